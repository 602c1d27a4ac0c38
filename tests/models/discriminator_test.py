import itertools
import math
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models
from kd_keras.losses import games
from tests.models.discriminators import make_opinionated


def _make(num_classes=5, **arguments):
    return models.get("discriminator", num_classes=num_classes, seed=0, **arguments)


def _random_logits():
    return {"logits": np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)}


def _count_trainable(*layers):
    variables = itertools.chain.from_iterable(layer.trainable_variables for layer in layers)
    return sum(math.prod(variable.shape) for variable in variables)


def test_parameter_counts_at_100_classes():
    model = _make(num_classes=100)
    assert _count_trainable(model.get_layer("logits_normalization")) == 200
    for block in ("block1", "block2", "block3"):
        assert _count_trainable(model.get_layer(f"{block}_linear")) == 10_100
        assert _count_trainable(model.get_layer(f"{block}_normalization")) == 200
    assert _count_trainable(model.get_layer("outputs")) == 10_302
    assert _count_trainable(model) == 200 + 3 * (10_100 + 200) + 10_302


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"count_output_layer": True}, 200 + 2 * 10_300 + 10_302),
        ({"depth": 1}, 200 + 10_300 + 10_302),
        ({"depth": 1, "count_output_layer": True}, 200 + 10_302),
        ({"depth": 4}, 200 + 4 * 10_300 + 10_302),
        ({"input_batch_normalization": False}, 3 * 10_300 + 10_302),
        ({"real_fake_output": "sigmoid"}, 200 + 3 * 10_300 + 101 * 101),
        ({"head": "joint"}, 200 + 3 * 10_300 + 101 * 200),
        ({"condition": "label"}, 200 + 3 * 10_100 + 20_100 + 3 * 10_300 + 10_302),
        ({"condition": "teacher_logits"}, 200 + 3 * 10_100 + 20_100 + 3 * 10_300 + 10_302),
        (
            {"condition": "image", "image_shape": (32, 32, 3)},
            200 + 28 * 32 + 289 * 64 + 6_500 + 20_100 + 3 * 10_300 + 10_302,
        ),
    ],
)
def test_parameter_counts_of_the_variants(arguments, expected):
    assert _count_trainable(_make(num_classes=100, **arguments)) == expected


def test_a_block_adds_the_normalised_linear_branch_and_rectifies_the_sum():
    model = _make(depth=1)
    normalization = model.get_layer("block1_normalization")
    random = np.random.default_rng(1)
    normalization.set_weights([random.uniform(0.5, 1.5, 5) for _ in range(4)])
    x = np.random.default_rng(2).normal(size=(6, 5))
    gamma, beta, mean, variance = (w.astype(np.float64) for w in normalization.get_weights())
    kernel, bias = model.get_layer("block1_linear").get_weights()
    branch = gamma * (x @ kernel + bias - mean) / np.sqrt(variance + 1e-5) + beta
    block = keras.Model(model.get_layer("block1_linear").input, model.get_layer("block1").output)
    actual = block(x.astype(np.float32), training=False)
    np.testing.assert_allclose(actual, np.maximum(x + branch, 0.0), rtol=1e-4, atol=1e-5)


def test_blocks_follow_one_another_from_the_normalised_logits():
    model = _make(depth=2)
    names = [layer.name for layer in model.layers]
    block = ["linear", "normalization", "dropout", "sum"]
    assert names == [
        "logits",
        "logits_normalization",
        *(f"block1_{part}" for part in block),
        "block1",
        *(f"block2_{part}" for part in block),
        "block2",
        "outputs",
    ]


def test_normalisation_has_the_momentum_and_epsilon_of_pytorch():
    settings = [
        (layer.momentum, layer.epsilon)
        for layer in _make().layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert settings == [(0.9, 1e-5)] * 4


def test_dropout_is_in_every_block_and_active_in_training_alone():
    model = make_opinionated(depth=3, dropout=0.5)
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in layers] == [0.5] * 3
    inputs = _random_logits()
    scores = [model(inputs, training=True)["real_score"].numpy() for _ in range(2)]
    assert not np.array_equal(*scores)
    scores = [model(inputs, training=False)["real_score"].numpy() for _ in range(2)]
    np.testing.assert_array_equal(*scores)


def test_weights_start_uniform_in_one_over_the_root_of_the_inputs():
    model = _make(num_classes=100, condition="image", image_shape=(8, 8, 3))
    fan_ins = {"block2_linear": 100, "projection": 200, "embedding2": 9 * 32}
    for name, fan_in in fan_ins.items():
        bound = fan_in**-0.5
        kernel, bias = model.get_layer(name).get_weights()
        for weights in (kernel, bias):
            assert np.abs(weights).max() <= bound
            assert np.abs(weights).max() > 0.9 * bound
        assert kernel.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)


@pytest.mark.parametrize(
    "arguments", [{}, {"real_fake_output": "sigmoid"}, {"head": "joint"}, {"condition": "label"}]
)
def test_the_output_layer_starts_at_zero(arguments):
    for weights in _make(**arguments).get_layer("outputs").get_weights():
        assert not weights.any()


def test_a_seed_repeats_initialisation_and_dropout():
    inputs = _random_logits()
    first, second = (make_opinionated()(inputs, training=True)["class_logits"] for _ in "ab")
    np.testing.assert_array_equal(first, second)
    other = make_opinionated(seed=1)(inputs, training=True)["class_logits"]
    assert np.abs(first - other).max() > 1e-3


def test_every_layer_has_a_seed_of_its_own():
    model = _make(num_classes=10)
    kernels = [model.get_layer(f"block{block}_linear").kernel.numpy() for block in (1, 2, 3)]
    for first, second in itertools.combinations(kernels, 2):
        assert np.abs(first - second).max() > 1e-2
    seeds = [layer.seed for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert len(set(seeds)) == 3


def test_without_a_seed_the_global_seed_repeats_it():
    def build():
        keras.utils.set_random_seed(3)
        return make_opinionated(seed=None)(_random_logits(), training=True)

    np.testing.assert_array_equal(build()["real_score"], build()["real_score"])


def _un_halved_loss(model, num_classes, *, scale, training, seed):
    random = np.random.default_rng(seed)
    teacher, student = scale * random.normal(size=(2, 512, num_classes)).astype(np.float32)
    labels = random.integers(0, num_classes, 512)
    real, fake = (model({"logits": x}, training=training) for x in (teacher, student))
    adversarial = games.get("minimax").discriminator_per_example(
        real["real_score"], fake["real_score"]
    )
    label = sum(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs["class_logits"])
        for outputs in (real, fake)
    )
    return float(tf.reduce_mean(adversarial + label))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("num_classes", [10, 100])
@pytest.mark.parametrize("head", ["auxiliary", "joint"])
def test_a_fresh_discriminator_is_at_chance_whatever_the_logits(head, num_classes, training):
    chance = 2 * math.log(2) + 2 * math.log(num_classes)
    model = models.get("discriminator", num_classes=num_classes, head=head, seed=1)
    loss = _un_halved_loss(model, num_classes, scale=3.0, training=training, seed=2)
    assert loss == pytest.approx(chance, rel=1e-6)


_REFUSED = [
    (
        {"head": "joined"},
        "Unknown head. Expected one of auxiliary, joint. Received: joined. Did you mean joint?",
    ),
    (
        {"real_fake_output": "softmaxx"},
        "Unknown real_fake_output. Expected one of sigmoid, softmax. Received: softmaxx. "
        "Did you mean softmax?",
    ),
    (
        {"condition": "labels"},
        "Unknown condition. Expected one of image, label, none, teacher_logits. "
        "Received: labels. Did you mean label?",
    ),
    ({"num_classes": 1}, "Invalid value for num_classes. Expected 2 or more. Received: 1."),
    ({"depth": 0}, "Invalid value for depth. Expected 1 or more. Received: 0."),
    (
        {"dropout": 1.0},
        "Invalid value for dropout. Expected a number from 0 up to but not including 1. "
        "Received: 1.0.",
    ),
    (
        {"condition": "image"},
        "Invalid value for image_shape. Expected (height, width, channels), because the "
        "condition is image. Received: None.",
    ),
    (
        {"head": "joint", "real_fake_output": "sigmoid"},
        "Invalid value for real_fake_output. Expected softmax, because the head is joint: one "
        "softmax over all 2C outputs. Received: sigmoid.",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), _REFUSED)
def test_arguments_that_make_no_discriminator_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        models.get("discriminator", **{"num_classes": 5, **arguments})
