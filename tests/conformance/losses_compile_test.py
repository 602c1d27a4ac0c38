"""Every loss and every game gives the same in eager mode, in a graph and under XLA."""

import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses
from kd_keras.losses import games

_COMPILERS = {
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}


def _run_with_gradients(function, inputs):
    def run(*tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        return value, tape.gradient(value, tensors, unconnected_gradients="zero")

    return run, [tf.constant(array, tf.float32) for array in inputs]


def _assert_equal_when_compiled(function, inputs, compiler):
    run, tensors = _run_with_gradients(function, inputs)
    expected_value, expected_gradients = run(*tensors)
    value, gradients = _COMPILERS[compiler](run)(*tensors)
    np.testing.assert_allclose(value, expected_value, rtol=1e-5, atol=1e-5)
    assert np.abs(expected_gradients[-1]).max() > 0
    for gradient, expected in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)


def _random(*shape):
    return np.random.default_rng(0).normal(scale=3.0, size=shape)


def test_entries_were_found():
    assert len(losses.names()) > 0
    assert len(games.names()) > 0


@pytest.mark.parametrize("compiler", _COMPILERS)
@pytest.mark.parametrize("name", losses.names())
def test_loss(name, compiler):
    _assert_equal_when_compiled(losses.get(name).per_example, _random(2, 6, 5), compiler)


@pytest.mark.parametrize("compiler", _COMPILERS)
@pytest.mark.parametrize("name", games.names())
def test_discriminators_half_of_the_game(name, compiler):
    game = games.get(name)
    _assert_equal_when_compiled(game.discriminator_per_example, _random(2, 6), compiler)


@pytest.mark.parametrize("compiler", _COMPILERS)
@pytest.mark.parametrize("name", games.names())
def test_students_half_of_the_game(name, compiler):
    _assert_equal_when_compiled(games.get(name).student_per_example, _random(1, 6), compiler)
