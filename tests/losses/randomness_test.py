import numpy as np
import tensorflow as tf

from kd_keras.losses import randomness


def test_they_are_equally_likely_and_the_same_with_xla():
    numbers = randomness.draw_uniform([20000], seed=[3, 4])
    compiled = tf.function(randomness.draw_uniform, jit_compile=True, autograph=False)
    np.testing.assert_array_equal(numbers, compiled([20000], seed=[3, 4]))
    assert 0 <= np.min(numbers) < 0.001
    assert 0.999 < np.max(numbers) < 1
    assert abs(np.mean(numbers) - 0.5) < 0.01
    assert abs(np.var(numbers) - 1 / 12) < 0.002
    np.testing.assert_array_equal(np.mod(numbers.numpy() * 2.0**24, 1), 0)
    assert not np.array_equal(numbers, randomness.draw_uniform([20000], seed=[3, 5]))


def test_they_are_the_upper_bits_of_whole_numbers():
    """A seed gives the numbers that it gave before, on which runs to be repeated depend."""
    bits = tf.random.stateless_uniform([9], [3, 4], None, None, tf.int32, alg="philox").numpy()
    expected = 0.5 + np.floor(bits / 256.0) / 2.0**24
    np.testing.assert_array_equal(randomness.draw_uniform([9], seed=[3, 4]), expected)
