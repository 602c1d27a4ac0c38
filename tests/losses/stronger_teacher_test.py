import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import StrongerTeacher
from tests.losses import numeric


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _standard(values):
    values = values - values.mean()
    return values / np.sqrt((values**2).sum())


def _formula(temperature, inter_class_weight, intra_class_weight):
    def formula(teacher, student, labels):
        teacher, student = _softmax(teacher / temperature), _softmax(student / temperature)
        inter = np.array(
            [1 - _standard(p) @ _standard(q) for p, q in zip(teacher, student, strict=True)]
        )
        products = [_standard(p) * _standard(q) for p, q in zip(teacher.T, student.T, strict=True)]
        intra = 1 - len(teacher) * np.mean(products, axis=0)
        return temperature**2 * (inter_class_weight * inter + intra_class_weight * intra)

    return formula


@pytest.mark.parametrize("arguments", [(4.0, 1.0, 1.0), (1.0, 2.0, 0.5), (2.0, 0.0, 1.0)])
def test_value_and_gradient_follow_the_formula(arguments):
    loss = StrongerTeacher(*arguments)
    teacher, student, _ = numeric.make_inputs(loss)
    numeric.check(loss, _formula(*arguments), teacher, student)


def test_the_mean_is_the_published_loss():
    teacher, student, _ = numeric.make_inputs(StrongerTeacher())
    value, _ = numeric.value_and_gradient(StrongerTeacher(), teacher, student)
    p, q = (_softmax(z.numpy() / 4.0) for z in (teacher, student))
    inter = np.mean([1 - np.corrcoef(p[i], q[i])[0, 1] for i in range(numeric.BATCH)])
    intra = np.mean([1 - np.corrcoef(p[:, c], q[:, c])[0, 1] for c in range(numeric.CLASSES)])
    np.testing.assert_allclose(value.mean(), 16 * (inter + intra), rtol=1e-4)


def test_identical_logits_give_zero_on_average():
    teacher, _, _ = numeric.make_inputs(StrongerTeacher())
    value, gradient = numeric.value_and_gradient(StrongerTeacher(), teacher, teacher)
    np.testing.assert_allclose(value.mean(), 0.0, atol=1e-5)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-5)


def test_what_does_not_vary_is_finite():
    logits = np.array([[3000.0, 0.0, 0.0]] * 4)
    for student in (logits, np.zeros([4, 3])):
        value, gradient = numeric.value_and_gradient(StrongerTeacher(), logits, student)
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()


def test_the_temperature_may_change_in_training():
    teacher, student, _ = numeric.make_inputs(StrongerTeacher())
    changed = StrongerTeacher().per_example(teacher, student, temperature=tf.constant(1.0))
    np.testing.assert_allclose(changed, StrongerTeacher(1.0).per_example(teacher, student))


def test_the_gradient_is_bounded_where_the_students_logits_are_all_alike():
    """A last layer that starts at zero is nothing unusual, and is to learn."""
    teacher, student, _ = numeric.make_inputs(StrongerTeacher())
    _, usual = numeric.value_and_gradient(StrongerTeacher(), teacher, student)
    _, at_zero = numeric.value_and_gradient(StrongerTeacher(), teacher, 0.0 * student)
    assert 0 < np.abs(at_zero).max() < 1e3 * np.abs(usual).max()
