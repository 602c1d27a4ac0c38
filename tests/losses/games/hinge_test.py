import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses.games import hinge

_RANDOM = tuple(np.random.default_rng(0).normal(scale=2.0, size=(2, 12)).astype(np.float32))
_SATURATED = (
    np.array([-200.0, 200.0, -200.0, 200.0], np.float32),
    np.array([200.0, 200.0, -200.0, -200.0], np.float32),
)
_POINTS = pytest.mark.parametrize("scores", [_RANDOM, _SATURATED])


def _value_and_gradients(function, *scores):
    scores = [tf.constant(score) for score in scores]
    with tf.GradientTape() as tape:
        tape.watch(scores)
        value = function(*scores)
    assert (value.dtype, value.shape) == (tf.float32, scores[0].shape)
    return value, tape.gradient(value, scores)


@_POINTS
def test_discriminator_minimises_what_is_missing_to_the_margins(scores):
    teacher, student = scores
    value, gradients = _value_and_gradients(
        hinge.Hinge().discriminator_per_example, teacher, student
    )
    expected = np.maximum(0, 1 - np.float64(teacher)) + np.maximum(0, 1 + np.float64(student))
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_array_equal(gradients[0], np.where(teacher < 1, -1.0, 0.0))
    np.testing.assert_array_equal(gradients[1], np.where(student > -1, 1.0, 0.0))


@_POINTS
def test_student_maximises_its_score(scores):
    value, (gradient,) = _value_and_gradients(hinge.Hinge().student_per_example, scores[1])
    np.testing.assert_array_equal(value, -scores[1])
    np.testing.assert_array_equal(gradient, -1.0)
