import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distillation.batch import unpack_batch


def test_a_tensor_and_a_dictionary():
    image, labels = tf.ones([2, 3]), tf.constant([1, 0])
    plain = unpack_batch((image, labels))
    assert plain.teacher_logits is None
    assert plain.sample_weight is None
    logits, weight = tf.zeros([2, 4]), tf.constant([[1.0], [2.0]])
    named = unpack_batch(({"image": image, "teacher_logits": logits}, labels, weight))
    assert named.teacher_logits is logits
    assert named.sample_weight.numpy().tolist() == [1.0, 2.0]


def test_labels_in_a_column_are_taken_as_a_vector():
    batch = unpack_batch((tf.ones([2, 3]), tf.constant([[1], [0]], tf.int64)))
    assert batch.labels.dtype == tf.int32
    assert batch.labels.shape == [2]


@pytest.mark.parametrize("labels", [np.eye(3, dtype="float32"), np.array([0.0, 1.0, 2.0])])
def test_one_hot_or_real_labels_are_refused_with_the_way_out(labels):
    with pytest.raises(ValueError, match=r"Invalid labels. Expected integers of shape \(batch,\)"):
        unpack_batch((tf.ones([3, 2]), labels))


def test_missing_labels_are_said():
    with pytest.raises(ValueError, match=r"Expected \(x, labels\). Received: x alone"):
        unpack_batch((tf.ones([3, 2]),))


def test_a_dictionary_of_other_things_is_refused():
    with pytest.raises(ValueError, match="Received: a dict with image, logits"):
        unpack_batch(({"image": tf.ones([1, 2]), "logits": tf.ones([1, 2])}, tf.constant([0])))
