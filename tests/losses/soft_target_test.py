import re

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import soft_target
from tests.losses import numeric


def _log_softmax(logits):
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def _expected_divergence(teacher, student, temperature):
    log_p = _log_softmax(teacher.astype(np.float64) / temperature)
    log_q = _log_softmax(student.astype(np.float64) / temperature)
    return temperature**2 * (np.exp(log_p) * (log_p - log_q)).sum(axis=-1)


def _expected_gradient(teacher, student, temperature):
    p = np.exp(_log_softmax(teacher.astype(np.float64) / temperature))
    q = np.exp(_log_softmax(student.astype(np.float64) / temperature))
    return temperature * (q - p)


def _central_differences(function, point, step=1e-5):
    gradient = np.zeros_like(point)
    for index in np.ndindex(point.shape):
        shift = np.zeros_like(point)
        shift[index] = step
        gradient[index] = (function(point + shift) - function(point - shift))[index[0]] / (2 * step)
    return gradient


def _value_and_gradient(teacher, student, temperature):
    student = tf.convert_to_tensor(student)
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = soft_target.soft_target_divergence(teacher, student, temperature)
    return value, tape.gradient(value, student)


def _random_logits(scale=3.0, shape=(6, 5), seed=0):
    teacher, student = np.random.default_rng(seed).normal(scale=scale, size=(2, *shape))
    return teacher.astype(np.float32), student.astype(np.float32)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_value_and_gradient_follow_the_formula(temperature):
    teacher, student = _random_logits()
    value, gradient = _value_and_gradient(teacher, student, temperature)
    assert (value.dtype, value.shape) == (tf.float32, (6,))
    np.testing.assert_allclose(
        value, _expected_divergence(teacher, student, temperature), rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(
        gradient, _expected_gradient(teacher, student, temperature), rtol=1e-4, atol=1e-5
    )


def test_the_expected_gradient_is_that_of_the_expected_divergence():
    teacher, student = (logits.astype(np.float64) for logits in _random_logits())
    differences = _central_differences(lambda s: _expected_divergence(teacher, s, 4.0), student)
    np.testing.assert_allclose(_expected_gradient(teacher, student, 4.0), differences, atol=1e-8)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_identical_logits_give_zero_and_no_gradient(temperature, scale):
    teacher, _ = _random_logits(scale=scale)
    value, gradient = _value_and_gradient(teacher, teacher, temperature)
    np.testing.assert_array_equal(value, 0.0)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-6)


@pytest.mark.parametrize(
    ("gap", "temperature"), [(60.0, 1.0), (60.0, 4.0), (1000.0, 1.0), (30000.0, 1.0)]
)
def test_saturated_logits_are_exact(gap, temperature):
    teacher = np.array([[gap, 0.0]], np.float32)
    student = np.array([[0.0, gap]], np.float32)
    value, gradient = _value_and_gradient(teacher, student, temperature)
    np.testing.assert_allclose(value, [gap * temperature], rtol=1e-5)
    np.testing.assert_allclose(gradient, [[-temperature, temperature]], rtol=1e-5)


def test_is_not_negative_beyond_rounding():
    teacher, difference = _random_logits(shape=(1000, 10))
    value = soft_target.soft_target_divergence(teacher, teacher + 1e-3 * difference, 4.0)
    assert np.min(value) > -(4.0**2) * 1e-6


def test_high_temperature_matches_zero_mean_logits():
    teacher, student = _random_logits()
    _, gradient = _value_and_gradient(teacher, student, 1000.0)
    difference = student - teacher
    expected = (difference - difference.mean(axis=-1, keepdims=True)) / teacher.shape[-1]
    np.testing.assert_allclose(gradient, expected, rtol=0.02, atol=0.005)


def test_is_invariant_to_a_constant_added_to_either_network():
    teacher, student = _random_logits()
    plain = soft_target.soft_target_divergence(teacher, student, 4.0)
    shifted = soft_target.soft_target_divergence(teacher + 5.0, student - 7.0, 4.0)
    np.testing.assert_allclose(plain, shifted, rtol=1e-3, atol=1e-4)


def test_the_teacher_receives_no_gradient():
    teacher, student = (tf.constant(logits) for logits in _random_logits())
    with tf.GradientTape() as tape:
        tape.watch(teacher)
        value = soft_target.soft_target_divergence(teacher, student, 4.0)
    assert tape.gradient(value, teacher) is None


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_logits_are_compared_in_float32(dtype):
    teacher, student = (tf.cast(logits, dtype) for logits in _random_logits(scale=20.0))
    value, gradient = _value_and_gradient(teacher, student, 4.0)
    rounded = [tf.cast(logits, tf.float32).numpy() for logits in (teacher, student)]
    assert (value.dtype, gradient.dtype) == (tf.float32, dtype)
    np.testing.assert_allclose(value, _expected_divergence(*rounded, 4.0), rtol=1e-4)
    np.testing.assert_allclose(
        tf.cast(gradient, tf.float32), _expected_gradient(*rounded, 4.0), rtol=0.01, atol=1e-5
    )


def test_class_takes_its_temperature_or_the_scheduled_one():
    teacher, student = _random_logits()
    loss = soft_target.SoftTarget(temperature=2.0)
    assert loss.scheduled == ("temperature",)
    np.testing.assert_allclose(
        loss.per_example(teacher, student), _expected_divergence(teacher, student, 2.0), rtol=1e-4
    )
    np.testing.assert_allclose(
        loss.per_example(teacher, student, temperature=tf.constant(5.0)),
        _expected_divergence(teacher, student, 5.0),
        rtol=1e-4,
    )


def test_a_scheduled_temperature_does_not_retrace():
    teacher, student = _random_logits()
    loss = soft_target.SoftTarget()
    traces = []

    @tf.function
    def per_example(temperature):
        traces.append(1)
        return loss.per_example(teacher, student, temperature=temperature)

    for temperature in (1.0, 3.0):
        np.testing.assert_allclose(
            per_example(tf.constant(temperature)),
            _expected_divergence(teacher, student, temperature),
            rtol=1e-4,
        )
    assert len(traces) == 1


def test_shapes_that_differ_are_refused():
    message = (
        "Teacher and student disagree on the number of classes. Received: teacher 100, student 10."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        soft_target.soft_target_divergence(tf.zeros([2, 100]), tf.zeros([2, 10]), 4.0)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_not_above_zero_is_refused(temperature):
    message = f"Invalid value for temperature. Expected a number above 0. Received: {temperature}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        soft_target.SoftTarget(temperature=temperature)


def test_standardised_logits_have_mean_zero_and_deviation_one():
    teacher, _ = _random_logits()
    expected = (teacher - teacher.mean(axis=1, keepdims=True)) / teacher.std(axis=1, keepdims=True)
    np.testing.assert_allclose(soft_target.standardize_logits(teacher), expected, atol=1e-5)
    np.testing.assert_array_equal(soft_target.standardize_logits(tf.ones([2, 3])), 0.0)


def test_standardised_value_and_gradient_follow_the_formula():
    def formula(teacher, student, labels):
        teacher, student = (
            (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
            for z in (teacher, student)
        )
        return _expected_divergence(teacher, student, 2.0)

    loss = soft_target.SoftTarget(temperature=2.0, standardize=True)
    numeric.check(loss, formula, *_random_logits())


def test_standardised_the_scale_and_the_mean_do_not_count():
    teacher, _ = _random_logits()
    loss = soft_target.SoftTarget(standardize=True)
    np.testing.assert_allclose(loss.per_example(teacher, 5 + 9 * teacher), 0.0, atol=1e-5)


@pytest.mark.parametrize("spread", [0.0, 1e-6, 1e-3, 0.03])
def test_the_gradient_of_standardised_logits_is_bounded_as_they_come_to_be_alike(spread):
    """A last layer that starts at zero is nothing unusual, and is to learn."""
    teacher, student = _random_logits()
    loss = soft_target.SoftTarget(standardize=True)
    _, usual = numeric.value_and_gradient(loss, teacher, student)
    alike = spread * student / np.std(student)
    _, gradient = numeric.value_and_gradient(loss, teacher, alike)
    assert 0 < np.abs(gradient).max() < 200 * np.abs(usual).max()


def test_logits_that_hardly_differ_are_divided_by_a_tenth():
    logits = np.array([[0.03, -0.03], [3.0, -3.0]])
    expected = [[0.3, -0.3], [1.0, -1.0]]
    np.testing.assert_allclose(soft_target.standardize_logits(logits), expected, rtol=1e-6)
