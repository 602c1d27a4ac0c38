import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import InBatchContrast
from tests.losses import numeric


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _formula(loss, tap):
    embeddings = [
        [weight.numpy().astype("float64") for weight in layer.weights]
        for layer in (loss.teacher_embeddings[tap], loss.adapters[tap])
    ]

    def formula(teacher, student, labels):
        labels, sides = np.asarray(labels), []
        for features, (kernel, bias) in zip((teacher, student), embeddings, strict=True):
            vectors = features[tap].mean(axis=tuple(range(1, features[tap].ndim - 1)))
            sides.append(_unit(vectors @ kernel + bias))
        scores = np.exp(sides[1] @ sides[0].T / loss.contrast_temperature)
        values = []
        for i, label in enumerate(labels):
            among = [j for j in range(len(labels)) if j == i or labels[j] != label]
            values.append(
                -np.log(scores[i, i] / scores[i, among].sum())
                - np.log(scores[i, i] / scores[among, i].sum())
            )
        return np.array(values)

    return formula


@pytest.mark.parametrize("tap", ["pooled", "group2"])
def test_value_and_gradient_follow_the_formula(tap):
    loss = InBatchContrast(taps=(tap,), embedding_size=3, contrast_temperature=0.5)
    inputs = numeric.make_inputs(loss)
    numeric.check(loss, _formula(loss, tap), *inputs)


def test_both_embeddings_are_trained_and_the_features_of_the_teacher_are_not():
    loss = InBatchContrast()
    teacher, student, labels = numeric.make_inputs(loss)
    assert [tuple(v.shape) for v in loss.trainable_variables] == [
        (4, 128),
        (128,),
        (5, 128),
        (128,),
    ]
    with tf.GradientTape() as tape:
        tape.watch([teacher, student])
        value = tf.reduce_mean(loss.per_example(teacher, student, labels))
    gradients = tape.gradient(value, [teacher["pooled"], loss.trainable_variables])
    assert gradients[0] is None
    assert all(np.abs(gradient).max() > 0 for gradient in gradients[1])


def test_a_batch_of_one_class_has_no_negatives():
    loss = InBatchContrast()
    teacher, student, _ = numeric.make_inputs(loss)
    value, _ = numeric.value_and_gradient(loss, teacher, student, tf.zeros([6], tf.int32))
    np.testing.assert_allclose(value, 0.0, atol=1e-6)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"contrast_temperature\. Expected a number above 0"):
        InBatchContrast(contrast_temperature=0.0)
    with pytest.raises(ValueError, match=r"embedding_size\. Expected a whole number from 1"):
        InBatchContrast(embedding_size=0)
