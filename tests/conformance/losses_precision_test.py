"""Every loss and every game computes in float32, whatever the dtype of inputs and policy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses
from kd_keras.losses import games
from tests.losses import numeric

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


def _value_and_gradients(function, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = function(*inputs)
    return value, tf.nest.flatten(tape.gradient(value, inputs[-1]))


def _assert_as_in_float32(function, inputs, state=()):
    """`state` is put back before the second run: some losses draw numbers or keep a mean."""
    before = [variable.numpy() for variable in state]
    value, gradients = _value_and_gradients(function, inputs)
    for variable, start in zip(state, before, strict=True):
        variable.assign(start)
    expected, expected_gradients = _value_and_gradients(
        function, tf.nest.map_structure(lambda tensor: tf.cast(tensor, tf.float32), inputs)
    )
    assert value.dtype == tf.float32
    assert np.isfinite(value).all()
    np.testing.assert_array_equal(value, expected)
    for gradient, wanted in zip(gradients, expected_gradients, strict=True):
        assert np.isfinite(wanted).all()
        # It comes back in the dtype of the input, where it is rounded once, and may be too large.
        assert gradient.dtype == tf.nest.flatten(inputs[-1])[0].dtype
        np.testing.assert_array_equal(gradient, tf.cast(wanted, gradient.dtype))
        fits = np.abs(wanted).max() <= float(gradient.dtype.max)
        assert np.isfinite(tf.cast(gradient, tf.float32)).all() == fits


def test_entries_were_found():
    assert len(losses.names()) > 0
    assert len(games.names()) > 0


@every_scale
@pytest.mark.parametrize("name", losses.names())
def test_loss(name, scale):
    loss, dtype = losses.get(name), keras.config.dtype_policy().compute_dtype
    teacher, student, labels = numeric.make_inputs(loss, scale=scale, dtype=dtype)

    def per_example(teacher, student):
        return loss.per_example(teacher, student, labels, **numeric.further(loss))

    _assert_as_in_float32(per_example, [teacher, student], loss.variables)


@pytest.mark.parametrize("name", losses.names())
def test_layer_of_the_loss_is_float32(name):
    loss = losses.get(name)
    numeric.make_inputs(loss)
    assert loss.compute_dtype == "float32"
    assert loss.variable_dtype == "float32"
    assert {variable.dtype for variable in loss.variables} <= {"float32", "int64"}
    parts = loss._flatten_layers(include_self=False)
    assert {part.compute_dtype for part in parts} <= {"float32"}


@every_dtype
@every_scale
@pytest.mark.parametrize("name", games.names())
def test_game(name, scale, dtype):
    game = games.get(name)
    inputs = _random(2, 6, scale=scale, dtype=dtype)
    _assert_as_in_float32(game.discriminator_per_example, inputs)
    _assert_as_in_float32(game.student_per_example, inputs[1:])
