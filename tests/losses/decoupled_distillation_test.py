import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import DecoupledDistillation, SoftTarget
from tests.losses import numeric


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _divergence(p, q):
    return (p * np.log(p / q)).sum(axis=-1)


def _formula(temperature, target_weight, others_weight, standardize=False):
    def parts(logits, label):
        probabilities = _softmax(logits / temperature)
        others = np.delete(probabilities, label)
        pair = np.array([probabilities[label], others.sum()])
        return pair, others / others.sum()

    def formula(teacher, student, labels):
        if standardize:
            teacher, student = (
                (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
                for z in (teacher, student)
            )
        values = []
        for t, s, label in zip(teacher, student, np.asarray(labels), strict=True):
            pairs, others = zip(parts(t, label), parts(s, label), strict=True)
            weighted = target_weight * _divergence(*pairs) + others_weight * _divergence(*others)
            values.append(temperature**2 * weighted)
        return np.array(values)

    return formula


@pytest.mark.parametrize(
    "arguments",
    [(4.0, 1.0, 8.0), (1.0, 2.0, 0.0), (2.0, 0.0, 0.5), (2.0, 1.0, 8.0, True)],
)
def test_value_and_gradient_follow_the_formula(arguments):
    loss = DecoupledDistillation(*arguments[:3], standardize=len(arguments) > 3)
    numeric.check(loss, _formula(*arguments), *numeric.make_inputs(loss))


def test_its_parts_are_those_of_the_soft_target():
    """KL = KL(b || b') + (1 - P(label)) KL(p || p')."""
    teacher, student, labels = numeric.make_inputs(DecoupledDistillation())
    target = DecoupledDistillation(4.0, 1.0, 0.0).per_example(teacher, student, labels)
    others = DecoupledDistillation(4.0, 0.0, 1.0).per_example(teacher, student, labels)
    rest = 1 - tf.gather(tf.nn.softmax(teacher / 4.0), labels, batch_dims=1)
    expected = SoftTarget(temperature=4.0).per_example(teacher, student)
    np.testing.assert_allclose(target + rest * others, expected, rtol=1e-4)


def test_identical_logits_give_zero_and_no_gradient():
    loss = DecoupledDistillation()
    teacher, _, labels = numeric.make_inputs(loss)
    value, gradient = numeric.value_and_gradient(loss, teacher, teacher, labels)
    np.testing.assert_allclose(value, 0.0, atol=1e-6)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-5)


def test_a_confident_mistake_is_exact():
    loss = DecoupledDistillation(1.0, 1.0, 1.0)
    teacher, student = np.array([[3000.0, 0.0, 0.0]]), np.array([[0.0, 3000.0, 0.0]])
    value, gradient = numeric.value_and_gradient(loss, teacher, student, tf.constant([0]))
    # The label's part: 3000 nats. The others': -log 2 + 3000 / 2.
    np.testing.assert_allclose(value, 3000 + 1500 - np.log(2), rtol=1e-6)
    np.testing.assert_allclose(gradient, [[-1.0, 1.0 + 0.5, -0.5]], atol=1e-5)


def test_the_temperature_may_change_in_training():
    loss = DecoupledDistillation(temperature=4.0)
    teacher, student, labels = numeric.make_inputs(loss)
    changed = loss.per_example(teacher, student, labels, temperature=tf.constant(2.0))
    expected = DecoupledDistillation(temperature=2.0).per_example(teacher, student, labels)
    np.testing.assert_allclose(changed, expected)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"temperature\. Expected a number above 0"):
        DecoupledDistillation(temperature=0.0)
    with pytest.raises(ValueError, match=r"others_weight\. Expected 0 or more"):
        DecoupledDistillation(others_weight=-1.0)
