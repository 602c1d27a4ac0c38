"""Random bytes as a pure function of a key and of their place, quick on every device.

What they decide, for instance which pixels a dropout keeps, is in `fast_layers`.
"""

import tensorflow as tf

__all__ = ["random_bytes", "threefry"]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_GROUPS = 5  # of four rounds each


def threefry(key, counter):
    """The block cipher Threefry-2x32 with 20 rounds, as a generator that needs no state.

    Every step is written in operations on 32-bit integers, so that XLA makes one loop of them
    that computes many blocks at once, and so that the numbers are the same wherever they are
    computed.

    Args:
        key: Pair of uint32 scalars.
        counter: Pair of uint32 tensors of one shape.

    Returns:
        Pair of uint32 tensors of that shape.

    Example:
        >>> zero = tf.zeros([], tf.uint32)
        >>> [hex(int(word)) for word in threefry((zero, zero), (zero, zero))]
        ['0x6b200159', '0x99ba4efe']

    Reference:
        Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.
    """
    parity = tf.bitwise.bitwise_xor(key[0], key[1])
    keys = (*key, tf.bitwise.bitwise_xor(parity, tf.constant(_PARITY, tf.uint32)))
    left, right = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(_GROUPS):
        for rotation in _ROTATIONS[group % 2]:
            left = left + right
            right = tf.bitwise.bitwise_xor(_rotate(right, rotation), left)
        left = left + keys[(group + 1) % 3]
        right = right + keys[(group + 2) % 3] + tf.constant(group + 1, tf.uint32)
    return left, right


def _rotate(words, count):
    return tf.bitwise.bitwise_or(
        tf.bitwise.left_shift(words, tf.constant(count, tf.uint32)),
        tf.bitwise.right_shift(words, tf.constant(32 - count, tf.uint32)),
    )


def random_bytes(key, like):
    """Independent bytes, each of its 256 values as likely as the others.

    Args:
        key: Shape (2,), int32; other bytes for every other key.
        like: A tensor of the wanted shape, of which nothing else is looked at.

    Returns:
        uint8 tensor of that shape.

    Example:
        >>> random_bytes(tf.constant([1, 2]), tf.zeros([2, 3])).shape.as_list()
        [2, 3]
    """
    return _random_bytes(key, like)


# Compiled, because that is ten times as fast as one kernel for each of a hundred operations.
@tf.function(jit_compile=True)
def _random_bytes(key, like):
    count = tf.size(like)
    blocks = (count + 7) // 8
    place = tf.bitcast(tf.range(blocks), tf.uint32)
    words = threefry(tf.unstack(tf.bitcast(key, tf.uint32)), (place, tf.zeros_like(place)))
    # Two blocks of words, not pairs side by side: the bytes' order is no one's concern.
    found = tf.reshape(tf.bitcast(tf.concat(words, axis=0), tf.uint8), [-1])
    return tf.reshape(found[:count], tf.shape(like))
