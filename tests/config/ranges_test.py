"""Which values a field of the configuration takes, and the sentence for those it does not."""

import pytest

from kd_keras.config import (
    Cache,
    Compare,
    Data,
    Discriminator,
    Distillation,
    Evaluation,
    Export,
    Predict,
    Report,
    Run,
    Signal,
    Student,
    Teacher,
    Training,
)

FRACTION = "a number from 0 up to but not including 1"
NAN = float("nan")

REFUSED = [
    (Run, {"seed": -1}, "seed", "a number from 0 to 2147483647", -1),
    (Run, {"seed": 2**31}, "seed", "a number from 0 to 2147483647", 2**31),
    (Data, {"memory_limit_gigabytes": 0.0}, "memory_limit_gigabytes", "a number above 0", 0.0),
    (Data, {"validation_fraction": 1.0}, "validation_fraction", FRACTION, 1.0),
    (Data, {"validation_fraction": -0.1}, "validation_fraction", FRACTION, -0.1),
    (Data, {"test_fraction": NAN}, "test_fraction", FRACTION, NAN),
    (Data, {"split_seed": -1}, "split_seed", "0 or more", -1),
    (Data, {"max_train_examples": -1}, "max_train_examples", "0 or more", -1),
    (Data, {"image_size": -1}, "image_size", "0 or more", -1),
    (Data, {"views": -1}, "views", "0 or more", -1),
    (Data, {"view_seed": 2**31}, "view_seed", "0 to 2147483647", 2**31),
    (Run, {"checkpoint_minutes": -1.0}, "checkpoint_minutes", "0 or more", -1.0),
    (Signal, {"top_k": -1, "source": "views"}, "top_k", "0 or more", -1),
    (Signal, {"samples": 0}, "samples", "1 or more", 0),
    (
        Signal,
        {"samples": 2, "source": "views"},
        "samples",
        "1, unless dropout is active and the source is clean or views: other answers are alike",
        2,
    ),
    (Signal, {"top_k": 5}, "top_k", "0 where the source is live: nothing is stored", 5),
    (Compare, {"seeds": ()}, "seeds", "at least one seed", "none"),
    (Compare, {"seeds": (1, 1)}, "seeds", "different numbers from 0 to 2147483647", "1,1"),
    (Compare, {"jobs": 0}, "jobs", "1 or more", 0),
    (Compare, {"methods": (("a", ()), ("a", ()))}, "methods", "each label once", "a, a"),
    (Report, {"images": -1}, "images", "0 or more", -1),
    (Data, {"crop_padding": -2}, "crop_padding", "-1 or more", -2),
    (
        Data,
        {"resize": True},
        "image_size",
        "the side in pixels to scale to, because resize is set",
        0,
    ),
    (Teacher, {"width": 0}, "width", "a number above 0", 0),
    (Student, {"dropout": 1.0}, "dropout", FRACTION, 1.0),
    (Distillation, {"supervised_weight": -1.0}, "supervised_weight", "0 or more", -1.0),
    (Distillation, {"adversarial_weight": NAN}, "adversarial_weight", "0 or more", NAN),
    (Distillation, {"temperature": 0.0}, "temperature", "a number above 0", 0.0),
    (Distillation, {"loss": ("a", "a:2")}, "loss", "each loss once", "a,a:2"),
    (
        Distillation,
        {"supervised_weight": 0.0, "adversarial_weight": 0.0, "loss": ()},
        "supervised_weight, loss and adversarial_weight",
        "at least one term to train on",
        "none",
    ),
    (Discriminator, {"depth": 0}, "depth", "1 to 16", 0),
    (Discriminator, {"depth": 17}, "depth", "1 to 16", 17),
    (Discriminator, {"dropout": 1.0}, "dropout", FRACTION, 1.0),
    (Discriminator, {"momentum": 1.0}, "momentum", FRACTION, 1.0),
    (Discriminator, {"label_weight": -1.0}, "label_weight", "0 or more", -1.0),
    (Discriminator, {"weight_decay": -1.0}, "weight_decay", "0 or more", -1.0),
    (Discriminator, {"learning_rate": 0.0}, "learning_rate", "a number above 0", 0.0),
    (Discriminator, {"weight_clip": 0.0}, "weight_clip", "a number above 0", 0.0),
    (
        Discriminator,
        {"nesterov": True, "momentum": 0.0},
        "momentum",
        "a number above 0, because nesterov is set",
        0.0,
    ),
    (Training, {"epochs": 0}, "epochs", "a number above 0", 0),
    (Training, {"batch_size": 0}, "batch_size", "a number above 0", 0),
    (Training, {"learning_rate": NAN}, "learning_rate", "a number above 0", NAN),
    (Training, {"warmup_epochs": -1}, "warmup_epochs", "0 or more", -1),
    (Training, {"weight_decay": -1.0}, "weight_decay", "0 or more", -1.0),
    (Training, {"clip_norm": -1.0}, "clip_norm", "0 or more", -1.0),
    (Training, {"momentum": 1.0}, "momentum", FRACTION, 1.0),
    (Training, {"average_decay": 1.0}, "average_decay", FRACTION, 1.0),
    (
        Training,
        {"learning_rate_drop_factor": 0.0},
        "learning_rate_drop_factor",
        "above 0 and no more than 1",
        0.0,
    ),
    (
        Training,
        {"learning_rate_drop_factor": 1.5},
        "learning_rate_drop_factor",
        "above 0 and no more than 1",
        1.5,
    ),
    (
        Training,
        {"learning_rate_drops": (3, 2)},
        "learning_rate_drops",
        "epochs from 1 on, in ascending order",
        "3,2",
    ),
    (
        Training,
        {"learning_rate_drops": (2, 2)},
        "learning_rate_drops",
        "epochs from 1 on, in ascending order",
        "2,2",
    ),
    (
        Training,
        {"learning_rate_drops": (0, 2)},
        "learning_rate_drops",
        "epochs from 1 on, in ascending order",
        "0,2",
    ),
    (
        Training,
        {"epochs": 3, "warmup_epochs": 4},
        "warmup_epochs",
        "no more than the 3 epochs",
        4,
    ),
    (
        Training,
        {"nesterov": True, "momentum": 0.0},
        "momentum",
        "a number above 0, because nesterov is set",
        0.0,
    ),
    (Training, {"devices": "0"}, "devices", "all or a number above 0", "0"),
    (Training, {"devices": "two"}, "devices", "all or a number above 0", "two"),
    (Training, {"devices": "²"}, "devices", "all or a number above 0", "²"),
    (Training, {"devices": ""}, "devices", "all or a number above 0", ""),
    (Evaluation, {"run": "a", "model": "b"}, "run and model", "one of the two", "both"),
    (Export, {"formats": ()}, "formats", "at least one format", "none"),
    (Export, {"static_batch": -1}, "static_batch", "0 or more", -1),
    (Export, {"calibration_images": 0}, "calibration_images", "a number above 0", 0),
    (Export, {"latency_repeats": -1}, "latency_repeats", "0 or more", -1),
    (Predict, {"top_k": 0}, "top_k", "a number above 0", 0),
    (Export, {"max_logit_difference": -1.0}, "max_logit_difference", "0 or more", -1.0),
    (Export, {"max_error_increase": -1.0}, "max_error_increase", "0 or more", -1.0),
]

ACCEPTED = [
    (Run, {"seed": 2**31 - 1}),
    (Data, {"validation_fraction": 0.0, "test_fraction": 0.0, "crop_padding": 0}),
    (Data, {"resize": True, "image_size": 32}),
    (Distillation, {"loss": (), "adversarial_weight": 0.0}),
    (Distillation, {"supervised_weight": 0.0, "adversarial_weight": 0.0, "loss": ("a",)}),
    (Distillation, {"supervised_weight": 0.0, "adversarial_weight": 1.0, "loss": ()}),
    (Discriminator, {"depth": 16, "label_weight": 0.0, "weight_decay": 0.0, "momentum": 0.0}),
    (Signal, {"source": "views", "dropout": True, "samples": 4, "top_k": 10}),
    (Signal, {"source": "live", "dropout": True}),
    (Cache, {"action": "remove", "entry": "digits"}),
    (Compare, {"seeds": (0,), "methods": (("a", ()), ("b", (("run.seed", 1),)))}),
    (Report, {"images": 0}),
    (Training, {"epochs": 3, "warmup_epochs": 3, "learning_rate_drop_factor": 1.0}),
    (Training, {"learning_rate_drops": (1, 80, 160), "devices": "all"}),
    (Training, {"devices": "8", "momentum": 0.0, "weight_decay": 0.0}),
    (Export, {"max_logit_difference": 0.0, "max_error_increase": 0.0}),
]


@pytest.mark.parametrize(("section", "values", "name", "expected", "received"), REFUSED)
def test_a_value_out_of_range_is_refused(section, values, name, expected, received):
    with pytest.raises(ValueError, match="Invalid value") as caught:
        section(**values)
    assert str(caught.value) == (
        f"Invalid value for {name}. Expected {expected}. Received: {received}."
    )


@pytest.mark.parametrize(("section", "values"), ACCEPTED)
def test_a_value_at_the_edge_of_its_range_is_accepted(section, values):
    built = section(**values)
    assert {name: getattr(built, name) for name in values} == values
