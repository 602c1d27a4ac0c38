"""Random bytes as a pure function of a key and of their place.

What they decide, for instance which pixels a dropout keeps, is in `fast_layers`.
"""

import tensorflow as tf

__all__ = ["random_bytes"]

_BYTES_OF_A_WORD = 8


def random_bytes(key, like):
    """Independent bytes, each of its 256 values as likely as the others.

    They are those of TensorFlow's Philox generator, the same on every device.

    Args:
        key: Shape (2,), int32; other bytes for every other key.
        like: A tensor of the wanted shape, of which nothing else is looked at.

    Returns:
        uint8 tensor of that shape.

    Example:
        >>> random_bytes(tf.constant([1, 2]), tf.zeros([2, 3])).shape.as_list()
        [2, 3]

    Reference:
        Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.
    """
    count = like.shape.num_elements() or tf.size(like)
    words = tf.random.stateless_uniform(
        [-(-count // _BYTES_OF_A_WORD)], key, None, None, tf.uint64, alg="philox"
    )
    found = tf.reshape(tf.bitcast(words, tf.uint8), [-1])
    return tf.reshape(found[:count], tf.shape(like))
