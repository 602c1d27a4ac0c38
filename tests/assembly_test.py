import dataclasses

import keras
import numpy as np
import pytest

from kd_keras import assembly, config, data


def _configure(**sections):
    return config.from_dictionary({"data": {"dataset": "synthetic"}, **sections})


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "supervised-logit_l1-adversarial"),
        ({"loss": ["soft_target:0.9"], "adversarial_weight": 0.0}, "supervised-soft_target"),
        ({"loss": [], "adversarial_weight": 0.0}, "supervised"),
        ({"loss": [], "supervised_weight": 0.0}, "adversarial"),
    ],
)
def test_methods_are_named_by_their_terms(settings, name):
    made = _configure(distillation=settings)
    assert assembly.name_method(made.distillation) == name
    assert assembly.student_folder(made).path.name == f"synthetic-wide_resnet-10-2-{name}-seed0"


def test_a_run_name_takes_the_place_of_the_made_one():
    made = _configure(run={"output_directory": "runs"})
    assert assembly.teacher_folder(made, "mine").path.as_posix() == "runs/mine"
    assert assembly.student_folder(made, "mine").path.as_posix() == "runs/mine"


def test_weights_of_terms_and_arguments_of_losses_reach_the_distiller():
    made = _configure(
        distillation={
            "supervised_weight": 0.5,
            "loss": ["soft_target:0.9", "logit_l1:0.1"],
            "temperature": 7.0,
            "reduction": "mean",
            "adversarial_weight": 0.3,
        },
        discriminator={"depth": 2, "game": "wasserstein", "weight_clip": 0.2, "label_weight": 0.4},
        training={"batch_size": 32},
    )
    splits = data.load("synthetic")
    image = keras.Input(splits.image_shape)
    logits = keras.layers.Dense(splits.num_classes)(keras.layers.Flatten()(image))
    student, teacher = keras.Model(image, logits), keras.Model(image, logits)
    distiller = assembly.build_distiller(made, splits, student, teacher)
    values = {name: float(variable) for name, variable in distiller.hyperparameters.items()}
    assert values == pytest.approx(
        {
            "supervised": 0.5,
            "soft_target": 0.9,
            "soft_target.temperature": 7.0,
            "logit_l1": 0.1,
            "adversarial": 0.3,
        }
    )
    assert distiller.terms.matching["logit_l1"].reduction == "mean"
    assert distiller.adversary.game.weight_clip == 0.2
    assert distiller.adversary.label_weight == 0.4
    blocks = [x for x in distiller.adversary.discriminator.layers if x.name.endswith("_sum")]
    assert len(blocks) == 2


def test_fingerprints_tell_weights_apart():
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(3)])
    before = assembly.fingerprint_weights(model)
    assert before == assembly.fingerprint_weights(model)
    weights = model.get_weights()
    weights[1] = np.nextafter(weights[1], np.float32(1))
    model.set_weights(weights)
    assert before != assembly.fingerprint_weights(model)


def test_identity_leaves_out_what_has_no_effect_and_keeps_what_has():
    splits = data.load("synthetic")
    made = _configure()
    moved = dataclasses.replace(
        made, run=dataclasses.replace(made.run, output_directory="elsewhere", name="x")
    )
    seeded = dataclasses.replace(made, run=dataclasses.replace(made.run, seed=1))
    sections = ("run", "data", "training")
    one, two, three = (
        assembly.identify(each, "distill", splits, sections)[0] for each in (made, moved, seeded)
    )
    assert one == two
    assert one != three
    assert one["data"] == splits.fingerprint
