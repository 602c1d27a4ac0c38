"""Every loss and every game gives the same in eager mode, in a graph and under XLA."""

import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses
from kd_keras.losses import games
from tests.losses import numeric

_COMPILERS = {
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}
# What XLA compiles was traced before, as every graph is.
_ALL = [pytest.param("graph", marks=pytest.mark.slow), "xla"]


def _run_with_gradients(function):
    def run(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = function(*inputs)
        return value, tape.gradient(value, inputs, unconnected_gradients="zero")

    return run


def _assert_equal_when_compiled(function, inputs, compiler, state=()):
    """`state` is put back before every run: some losses draw random numbers or keep a mean."""
    run, before = _run_with_gradients(function), [variable.numpy() for variable in state]
    expected, found = [], []
    for results, runner in ((expected, run), (found, _COMPILERS[compiler](run))):
        for variable, value in zip(state, before, strict=True):
            variable.assign(value)
        value, gradients = runner(*inputs)
        results += [value, *tf.nest.flatten(gradients)]
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-5)
    assert np.abs(expected[-1]).max() > 0
    for gradient, other in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-5, atol=1e-6)


def _random(*shape):
    arrays = np.random.default_rng(0).normal(scale=3.0, size=shape)
    return [tf.constant(array, tf.float32) for array in arrays]


def test_entries_were_found():
    assert len(losses.names()) > 0
    assert len(games.names()) > 0


@pytest.mark.parametrize("compiler", _ALL)
@pytest.mark.parametrize("name", losses.names())
def test_loss(name, compiler):
    loss = losses.get(name)
    teacher, student, labels = numeric.make_inputs(loss)

    def per_example(teacher, student):
        return loss.per_example(teacher, student, labels, **numeric.further(loss))

    _assert_equal_when_compiled(per_example, [teacher, student], compiler, loss.variables)


@pytest.mark.parametrize("compiler", _ALL)
@pytest.mark.parametrize("name", games.names())
def test_discriminators_half_of_the_game(name, compiler):
    game = games.get(name)
    _assert_equal_when_compiled(game.discriminator_per_example, _random(2, 6), compiler)


@pytest.mark.parametrize("compiler", _ALL)
@pytest.mark.parametrize("name", games.names())
def test_students_half_of_the_game(name, compiler):
    _assert_equal_when_compiled(games.get(name).student_per_example, _random(1, 6), compiler)
