"""Every loss and every game computes in float32, whatever the dtype of inputs and policy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses
from kd_keras.losses import games

_SCALES = {"usual": 3.0, "saturated": 1000.0}

every_dtype = pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
every_scale = pytest.mark.parametrize("scale", _SCALES.values(), ids=_SCALES.keys())


@pytest.fixture(params=["float32", "mixed_bfloat16", "mixed_float16"], autouse=True)
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield
    keras.config.set_dtype_policy(before)


def _random(*shape, scale, dtype):
    values = np.random.default_rng(0).normal(scale=scale, size=shape)
    return [tf.cast(value, dtype) for value in values]


def _value_and_gradient(function, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(*inputs)
    return value, tape.gradient(value, inputs[-1])


def _assert_as_in_float32(function, inputs):
    value, gradient = _value_and_gradient(function, inputs)
    expected, expected_gradient = _value_and_gradient(
        function, [tf.cast(tensor, tf.float32) for tensor in inputs]
    )
    assert value.dtype == tf.float32
    assert np.isfinite(value).all()
    np.testing.assert_array_equal(value, expected)
    # The gradient comes back in the dtype of the input, where it is rounded once.
    assert gradient.dtype == inputs[-1].dtype
    np.testing.assert_array_equal(gradient, tf.cast(expected_gradient, gradient.dtype))
    assert np.isfinite(tf.cast(gradient, tf.float32)).all()


def test_entries_were_found():
    assert len(losses.names()) > 0
    assert len(games.names()) > 0


@every_dtype
@every_scale
@pytest.mark.parametrize("name", losses.names())
def test_loss(name, scale, dtype):
    inputs = _random(2, 6, 5, scale=scale, dtype=dtype)
    _assert_as_in_float32(losses.get(name).per_example, inputs)


@pytest.mark.parametrize("name", losses.names())
def test_layer_of_the_loss_is_float32(name):
    loss = losses.get(name)
    assert loss.compute_dtype == "float32"
    assert loss.variable_dtype == "float32"


@every_dtype
@every_scale
@pytest.mark.parametrize("name", games.names())
def test_game(name, scale, dtype):
    game = games.get(name)
    inputs = _random(2, 6, scale=scale, dtype=dtype)
    _assert_as_in_float32(game.discriminator_per_example, inputs)
    _assert_as_in_float32(game.student_per_example, inputs[1:])
