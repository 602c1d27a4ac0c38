import numpy as np
import pytest
import tensorflow as tf

from kd_keras.models.random_bytes import random_bytes, threefry


# Known answers of the authors' library Random123: key, counter, words.
@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_the_published_words(key, counter, words):
    constants = [tuple(tf.constant(word, tf.uint32) for word in pair) for pair in (key, counter)]
    assert tuple(int(word) for word in threefry(*constants)) == words


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
