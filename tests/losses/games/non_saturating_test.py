import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses.games import non_saturating

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


def _log_sigmoid(score):
    return -np.logaddexp(0.0, -score.astype(np.float64))


def _sigmoid(score):
    return np.exp(_log_sigmoid(score))


@_POINTS
def test_discriminator_minimises_the_negated_log_likelihood(scores):
    teacher, student = scores
    value, gradients = _value_and_gradients(
        non_saturating.NonSaturating().discriminator_per_example, teacher, student
    )
    expected = -_log_sigmoid(teacher) - _log_sigmoid(-student)
    np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(gradients[0], -_sigmoid(-teacher), rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(gradients[1], _sigmoid(student), rtol=1e-5, atol=1e-30)


@_POINTS
def test_student_minimises_the_cross_entropy_against_real(scores):
    _, student = scores
    value, (gradient,) = _value_and_gradients(
        non_saturating.NonSaturating().student_per_example, student
    )
    np.testing.assert_allclose(value, -_log_sigmoid(student), rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(gradient, -_sigmoid(-student), rtol=1e-5, atol=1e-30)


def test_student_keeps_its_gradient_where_the_discriminator_is_sure_of_fake():
    _, (gradient,) = _value_and_gradients(
        non_saturating.NonSaturating().student_per_example, np.array([-50.0], np.float32)
    )
    np.testing.assert_allclose(gradient, [-1.0])
