"""Seeds of the stateless generators: which stream of random numbers belongs to what.

Everything random in the data is a pure function of a seed and an index, so that an epoch can be
repeated on its own, in any order, on any machine.
"""

import enum

import tensorflow as tf

__all__ = ["Purpose", "draw_integers"]

_SEED_BITS = 32  # of a seed from outside; the purpose stands above them


class Purpose(enum.IntEnum):
    """What random numbers are for. Two purposes never share a stream."""

    ORDER = 1
    AUGMENTATION = 2
    SAMPLE = 3


def draw_integers(shape, *, purpose, seed, index):
    """Draw integers of all 32 bits, a pure function of the arguments.

    The generator is Philox whatever the device. It counts through the elements: the first rows do
    not depend on how many follow.

    Args:
        shape: Of the result.
        purpose: A `Purpose`.
        seed: From 0 to 2^31 - 1.
        index: Of the epoch or view; a number or a scalar tensor.

    Returns:
        int32 of that shape, from -2^31 to 2^31 - 1, all equally likely.

    Example:
        >>> draw_integers([2], purpose=Purpose.ORDER, seed=0, index=0).shape
        TensorShape([2])
    """
    stream = (int(purpose) << _SEED_BITS) + seed
    return tf.random.stateless_uniform(
        shape,
        seed=tf.stack([tf.constant(stream, tf.int64), tf.cast(index, tf.int64)]),
        minval=None,
        maxval=None,
        dtype=tf.int32,
        alg="philox",
    )
