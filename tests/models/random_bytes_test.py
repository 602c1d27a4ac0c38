import numpy as np
import tensorflow as tf

from kd_keras.models.random_bytes import random_bytes


def test_bytes_are_evenly_spread():
    found = random_bytes(tf.constant([3, 5]), tf.zeros([256, 1024])).numpy()
    counts = np.bincount(found.ravel(), minlength=256)
    expected = found.size / 256
    # Chi squared with 255 degrees of freedom: mean 255, standard deviation 22.6.
    assert abs(((counts - expected) ** 2 / expected).sum() - 255) < 5 * 22.6


def test_bytes_are_independent_of_their_neighbours_and_of_other_keys():
    shape = [64, 4096]
    found = random_bytes(tf.constant([3, 5]), tf.zeros(shape)).numpy().astype("float64")
    others = [
        np.roll(found, 1, axis=1),
        np.roll(found, 4, axis=1),
        np.roll(found, 1, axis=0),
        random_bytes(tf.constant([3, 6]), tf.zeros(shape)).numpy(),
        random_bytes(tf.constant([4, 5]), tf.zeros(shape)).numpy(),
    ]
    for other in others:
        correlation = np.corrcoef(found.ravel(), other.ravel())[0, 1]
        assert abs(correlation) < 5 / np.sqrt(found.size)


def test_bytes_are_a_function_of_the_key_for_any_shape():
    key = tf.constant([7, 8])
    first, second = (random_bytes(key, tf.zeros([3, 5, 7])).numpy() for _ in range(2))
    assert first.shape == (3, 5, 7)
    np.testing.assert_array_equal(first, second)
    assert (first != random_bytes(tf.constant([7, 9]), tf.zeros([3, 5, 7])).numpy()).mean() > 0.9


def test_bytes_of_a_shape_that_is_not_known_beforehand():
    draw = tf.function(
        random_bytes,
        input_signature=[tf.TensorSpec([2], tf.int32), tf.TensorSpec([None, 3], tf.float32)],
    )
    key, like = tf.constant([7, 8]), tf.zeros([5, 3])
    np.testing.assert_array_equal(draw(key, like), random_bytes(key, like))
