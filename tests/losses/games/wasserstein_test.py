import re

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses.games import wasserstein

_RANDOM = tuple(np.random.default_rng(0).normal(scale=3.0, size=(2, 8)).astype(np.float32))
_SAME = (_RANDOM[0], _RANDOM[0])
_SATURATED = (
    np.array([-200.0, 200.0, -200.0, 200.0], np.float32),
    np.array([200.0, 200.0, -200.0, -200.0], np.float32),
)
_POINTS = pytest.mark.parametrize("scores", [_RANDOM, _SAME, _SATURATED])


def _value_and_gradients(function, *scores):
    scores = [tf.constant(score) for score in scores]
    with tf.GradientTape() as tape:
        tape.watch(scores)
        value = function(*scores)
    assert (value.dtype, value.shape) == (tf.float32, scores[0].shape)
    return value, tape.gradient(value, scores)


@_POINTS
def test_critic_minimises_the_students_value_less_the_teachers(scores):
    teacher, student = scores
    value, gradients = _value_and_gradients(
        wasserstein.Wasserstein().discriminator_per_example, teacher, student
    )
    np.testing.assert_allclose(value, student - teacher, rtol=1e-6)
    np.testing.assert_array_equal(gradients[0], -1.0)
    np.testing.assert_array_equal(gradients[1], 1.0)


@_POINTS
def test_student_minimises_its_negated_value(scores):
    _, student = scores
    value, (gradient,) = _value_and_gradients(
        wasserstein.Wasserstein().student_per_example, student
    )
    np.testing.assert_array_equal(value, -student)
    np.testing.assert_array_equal(gradient, -1.0)


def test_the_bound_on_the_weights_is_an_argument():
    assert wasserstein.Wasserstein().weight_clip == 0.01
    assert wasserstein.Wasserstein(weight_clip=0.1).weight_clip == 0.1
    assert wasserstein.Wasserstein(weight_clip=None).weight_clip is None


@pytest.mark.parametrize("weight_clip", [0.0, -0.01])
def test_a_bound_not_above_zero_is_refused(weight_clip):
    message = (
        "Invalid value for weight_clip. Expected a number above 0, or None for no bound. "
        f"Received: {weight_clip}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        wasserstein.Wasserstein(weight_clip=weight_clip)


def test_what_is_called_real_does_not_depend_on_where_the_values_lie():
    game = wasserstein.Wasserstein()
    assert float(game.boundary([3.0, 5.0], [1.0, 2.0])) == 2.75
    assert float(game.boundary([103.0, 105.0], [101.0, 102.0])) == 102.75
