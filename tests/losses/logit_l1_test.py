import re

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import logit_l1

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
    value, gradient = _value_and_gradient(logit_l1.LogitL1(reduction), teacher, student)
    assert (value.dtype, value.shape) == (tf.float32, (6,))
    np.testing.assert_allclose(value, np.abs(student - teacher).sum(axis=-1) / divisor, rtol=1e-6)
    np.testing.assert_allclose(gradient, np.sign(student - teacher) / divisor, rtol=1e-6)


def test_sums_over_the_classes_by_default():
    assert logit_l1.LogitL1().reduction == "sum"


def test_identical_logits_give_zero_and_no_gradient():
    teacher, _ = _random_logits()
    value, gradient = _value_and_gradient(logit_l1.LogitL1(), teacher, teacher)
    np.testing.assert_array_equal(value, 0.0)
    np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float16, tf.bfloat16])
def test_large_logits_are_summed_in_float32(dtype):
    # Each difference alone exceeds the largest float16, 65504.
    teacher, student = tf.fill([2, 100], tf.cast(49152.0, dtype)), tf.fill([2, 100], 49152.0)
    value, gradient = _value_and_gradient(logit_l1.LogitL1(), teacher, tf.cast(-student, dtype))
    np.testing.assert_array_equal(value, [100 * 2 * 49152.0] * 2)
    np.testing.assert_array_equal(tf.cast(gradient, tf.float32), -1.0)


def test_the_teacher_receives_no_gradient():
    teacher, student = (tf.constant(logits) for logits in _random_logits())
    with tf.GradientTape() as tape:
        tape.watch(teacher)
        value = logit_l1.LogitL1().per_example(teacher, student)
    assert tape.gradient(value, teacher) is None


def test_shapes_that_differ_are_refused():
    message = (
        "Teacher and student disagree on the number of classes. Received: teacher 100, student 10."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        logit_l1.LogitL1().per_example(tf.zeros([2, 100]), tf.zeros([2, 10]))


def test_an_unknown_reduction_is_refused():
    message = "Unknown reduction. Expected one of mean, sum. Received: meen. Did you mean mean?"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        logit_l1.LogitL1(reduction="meen")
