"""Random numbers that are the same with XLA and without. What is drawn is each loss's affair."""

import tensorflow as tf

__all__ = ["draw_uniform"]


def draw_uniform(shape, seed):
    """Numbers of equal likelihood in [0, 1), steps of 2^-24 apart.

    They are made of integers: of one seed, XLA makes the same integers and other numbers.

    Args:
        shape: Of the result.
        seed: Two integers, such as `keras.random.SeedGenerator.next` gives.

    Returns:
        A float32 tensor.

    Example:
        >>> numbers = draw_uniform([1000], seed=[1, 2])
        >>> bool(tf.reduce_all((numbers >= 0) & (numbers < 1)))
        True
    """
    bits = tf.random.stateless_uniform(
        shape, seed, minval=None, maxval=None, dtype=tf.int32, alg="philox"
    )
    return 0.5 + tf.cast(tf.bitwise.right_shift(bits, 8), tf.float32) / 2.0**24
