import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import AttentionTransfer
from tests.losses import numeric


def _attention(maps, power):
    vectors = (np.abs(maps) ** power).mean(axis=-1).reshape(len(maps), -1)
    return vectors / np.sqrt((vectors**2).sum(axis=1, keepdims=True))


def _pool(maps):
    """From 3 x 3 to 2 x 2, windows of 2 x 2 that overlap."""
    rows = np.stack([maps[:, :2].mean(axis=1), maps[:, 1:].mean(axis=1)], axis=1)
    return np.stack([rows[:, :, :2].mean(axis=2), rows[:, :, 1:].mean(axis=2)], axis=2)


def _formula(power):
    def formula(teacher, student, labels):
        teacher = {**teacher, "group2": _pool(teacher["group2"])}
        return sum(
            ((_attention(teacher[tap], power) - _attention(student[tap], power)) ** 2).mean(axis=1)
            for tap in student
        )

    return formula


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_value_and_gradient_follow_the_formula(power):
    loss = AttentionTransfer(taps=("group2", "group3"), power=power)
    teacher, student, _ = numeric.make_inputs(loss)
    numeric.check(loss, _formula(power), teacher, student)


def test_the_size_of_a_map_does_not_count():
    loss = AttentionTransfer()
    teacher, _, _ = numeric.make_inputs(loss)
    larger = {tap: -7.0 * maps for tap, maps in teacher.items()}
    value, gradient = numeric.value_and_gradient(loss, teacher, larger)
    np.testing.assert_allclose(value, 0.0, atol=1e-12)
    assert all(np.abs(part).max() < 1e-6 for part in gradient.values())


def test_a_map_of_zeros_has_a_finite_value_and_gradient():
    loss = AttentionTransfer(taps=("group3",))
    teacher, student, _ = numeric.make_inputs(loss)
    value, gradient = numeric.value_and_gradient(
        loss, teacher, {"group3": np.zeros(student["group3"].shape)}
    )
    expected = (_attention(teacher["group3"].numpy(), 2.0) ** 2).mean(axis=1)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert np.isfinite(gradient["group3"]).all()


def test_the_default_is_the_published_one():
    loss = AttentionTransfer()
    assert (loss.taps, loss.power) == (("group1", "group2", "group3"), 2.0)
    assert loss.default_weight == 1000.0


def test_the_lowest_power_has_a_gradient_where_nothing_is_active():
    """Below it the slope of |a|^p at 0 is infinite, and times the sign there not a number."""
    loss = AttentionTransfer(taps=("a",), power=1)
    student = tf.Variable([[[[0.0], [2.0]]]])
    with tf.GradientTape() as tape:
        value = loss.per_example({"a": tf.ones([1, 1, 2, 1])}, {"a": student})
    assert np.all(np.isfinite(tape.gradient(value, student)))


def test_a_power_below_one_and_a_vector_are_refused():
    with pytest.raises(ValueError, match=r"power\. Expected 1 or more\. Received: 0\.5"):
        AttentionTransfer(power=0.5)
    loss, vectors = AttentionTransfer(taps=("pooled",)), np.ones([6, 3])
    with pytest.raises(ValueError, match=r"AttentionTransfer compares maps.*pooled of the teacher"):
        numeric.connect(loss, {"pooled": vectors}, {"pooled": vectors})
