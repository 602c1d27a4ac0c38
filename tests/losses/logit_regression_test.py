import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses

_CLASSES = 5


def _random_logits(scale=3.0):
    teacher, student = np.random.default_rng(0).normal(scale=scale, size=(2, 6, _CLASSES))
    return teacher.astype(np.float32), student.astype(np.float32)


def _value_and_gradient(loss, teacher, student):
    student = tf.convert_to_tensor(student)
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = loss.per_example(teacher, student)
    return value, tape.gradient(value, student)


@pytest.mark.parametrize(("reduction", "divisor"), [("sum", 1), ("mean", _CLASSES)])
def test_value_and_gradient_follow_the_formula(reduction, divisor):
    teacher, student = _random_logits()
    value, gradient = _value_and_gradient(losses.LogitRegression(reduction), teacher, student)
    difference = student.astype(np.float64) - teacher
    np.testing.assert_allclose(value, (difference**2).sum(axis=-1) / divisor, rtol=1e-5)
    np.testing.assert_allclose(gradient, 2 * difference / divisor, rtol=1e-5, atol=1e-5)


def test_identical_logits_give_zero_and_no_gradient():
    teacher, _ = _random_logits()
    value, gradient = _value_and_gradient(losses.LogitRegression(), teacher, teacher)
    np.testing.assert_array_equal(value, 0.0)
    np.testing.assert_array_equal(gradient, 0.0)


def test_soft_targets_tend_to_it_at_high_temperature():
    """T^2 KL tends to 1/(2C) of it for logits of equal mean (Hinton et al., equation 4)."""
    teacher, student = (z - z.mean(axis=-1, keepdims=True) for z in _random_logits())
    regression = losses.LogitRegression().per_example(teacher, student)
    soft = losses.SoftTarget(temperature=100.0).per_example(teacher, student)
    np.testing.assert_allclose(soft, regression / (2 * _CLASSES), rtol=3e-2)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"Unknown reduction\. Expected one of mean, sum"):
        losses.LogitRegression("total")
