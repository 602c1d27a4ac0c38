import keras
import pytest

from kd_keras import config, data, distillers, training


def _configure(**sections):
    return config.from_dictionary({"data": {"dataset": "synthetic"}, **sections})


def _matching(**distillation):
    return distillers.make_matching(_configure(distillation=distillation))


def test_options_of_losses_and_published_weights():
    (attention, first), (soft_target, second), (selectivity, third) = _matching(
        loss=["attention_transfer", "soft_target:0.9", "neuron_selectivity"],
        loss_option=[
            "attention_transfer.taps=a+model/b",
            "attention_transfer.teacher_taps=c+d",
            "attention_transfer.power=1",
            "soft_target.temperature=2",
            "soft_target.standardize=true",
            "neuron_selectivity.kernel=gaussian",
        ],
        temperature=7.0,
    )
    assert (first, second, third) == (1000.0, 0.9, 50.0)
    assert (attention.taps, attention.teacher_taps) == (("a", "model/b"), ("c", "d"))
    assert attention.power == 1.0
    assert (soft_target.temperature, soft_target.standardize) == (2.0, True)
    assert selectivity.kernel == "gaussian"


def test_an_option_that_a_loss_does_not_take_is_refused():
    with pytest.raises(ValueError, match=r"Unknown option of hint\..*Did you mean taps\?"):
        _matching(loss=["hint"], loss_option=["hint.tap=a"])


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
    distiller = distillers.build_distiller(made, splits, student, teacher)
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


def _build_on_labels(splits, **recipe):
    image = keras.Input(splits.image_shape)
    logits = keras.layers.Dense(splits.num_classes)(keras.layers.Flatten()(image))
    made = _configure(training={"batch_size": 32, **recipe})
    return distillers.build_distiller(made, splits, keras.Model(image, logits))


def test_what_saves_memory_reaches_the_distiller():
    splits = data.load("synthetic")
    plain = _build_on_labels(splits)
    assert (plain.micro_batches, plain.checkpoint_gradients) == (1, False)
    saving = _build_on_labels(splits, micro_batches=32, checkpoint_gradients=True)
    assert (saving.micro_batches, saving.checkpoint_gradients) == (32, True)


def test_a_batch_that_devices_share_is_cut_into_fewer_parts():
    splits = data.load("synthetic")
    message = (
        r"Invalid value for micro_batches\. Expected 1 to 16, the images that each of 2 devices "
        r"has of a batch of 32\. Received: 17\."
    )
    with training.make_strategy("2").scope(), pytest.raises(ValueError, match=message):
        _build_on_labels(splits, micro_batches=17)
