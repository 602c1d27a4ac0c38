import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses.games import least_squares

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
def test_discriminator_minimises_half_the_squared_distance_to_the_targets(scores):
    teacher, student = scores
    value, gradients = _value_and_gradients(
        least_squares.LeastSquares().discriminator_per_example, teacher, student
    )
    expected = ((teacher.astype(np.float64) - 1) ** 2 + student.astype(np.float64) ** 2) / 2
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradients[0], teacher - 1, rtol=1e-6)
    np.testing.assert_allclose(gradients[1], student, rtol=1e-6)


@_POINTS
def test_student_minimises_half_the_squared_distance_to_real(scores):
    _, student = scores
    value, (gradient,) = _value_and_gradients(
        least_squares.LeastSquares().student_per_example, student
    )
    np.testing.assert_allclose(value, (student.astype(np.float64) - 1) ** 2 / 2, rtol=1e-6)
    np.testing.assert_allclose(gradient, student - 1, rtol=1e-6)


def test_what_is_nearer_to_1_than_to_0_is_called_real():
    assert float(least_squares.LeastSquares().boundary([0.9, 0.7], [0.6, 0.2])) == 0.5
