"""Relations between the examples of a batch, with gradients that are finite everywhere.

What is made of them is one loss per file beside this one.
"""

import tensorflow as tf

__all__ = [
    "differences",
    "distances",
    "huber",
    "other_examples",
    "root",
    "squared_distances",
    "squared_distances_by_products",
    "unit",
]


def root(squared):
    """The square root, whose gradient at 0 is taken as 0 instead of infinite.

    Example:
        >>> root(tf.constant([0.0, 9.0])).numpy()
        array([0., 3.], dtype=float32)
    """
    positive = squared > 0
    return tf.where(positive, tf.sqrt(tf.where(positive, squared, 1.0)), 0.0)


def unit(vectors, axis=-1):
    """Scale vectors to length 1; one of length 0 stays as it is, with gradient 0.

    Args:
        vectors: Any shape.
        axis: The axis along which a vector lies.

    Example:
        >>> unit(tf.constant([[3.0, 4.0], [0.0, 0.0]])).numpy().tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    length = root(tf.reduce_sum(tf.square(vectors), axis=axis, keepdims=True))
    positive = length > 0
    return tf.where(positive, vectors / tf.where(positive, length, 1.0), 0.0)


def differences(vectors):
    """Every vector less every other: element [i, j] is vector j less vector i.

    Args:
        vectors: Shape (batch, features).

    Returns:
        Shape (batch, batch, features).
    """
    return vectors[None, :, :] - vectors[:, None, :]


def squared_distances(vectors):
    """Squared Euclidean distances, by differences: the products' way loses small ones.

    Args:
        vectors: Shape (batch, features).

    Returns:
        Shape (batch, batch), 0 on the diagonal.

    Example:
        >>> squared_distances(tf.constant([[0.0], [3.0]])).numpy().tolist()
        [[0.0, 9.0], [9.0, 0.0]]
    """
    return tf.reduce_sum(tf.square(differences(vectors)), axis=-1)


def squared_distances_by_products(vectors):
    """The same, |v_i|^2 + |v_j|^2 - 2 v_i . v_j, in memory that does not grow with the features.

    The vectors' mean is taken off first. What is small beside the largest distances is lost in
    rounding: for comparisons of distances, not for their roots.

    Example:
        >>> squared_distances_by_products(tf.constant([[0.0], [3.0]])).numpy().tolist()
        [[0.0, 9.0], [9.0, 0.0]]
    """
    centred = vectors - tf.stop_gradient(tf.reduce_mean(vectors, axis=0, keepdims=True))
    lengths = tf.reduce_sum(tf.square(centred), axis=-1)
    products = tf.matmul(centred, centred, transpose_b=True)
    return tf.nn.relu(lengths[:, None] + lengths[None, :] - 2.0 * products)


def distances(vectors):
    """Euclidean distances, see `squared_distances`; the gradient at 0 is 0."""
    return root(squared_distances(vectors))


def other_examples(vectors):
    """Which pairs of a batch are of two examples, shape (batch, batch), boolean."""
    count = tf.shape(vectors)[0]
    return tf.logical_not(tf.eye(count, dtype=tf.bool))


def huber(difference):
    """d^2 / 2 up to |d| = 1 and |d| - 1/2 beyond.

    Example:
        >>> huber(tf.constant([0.5, -2.0])).numpy()
        array([0.125, 1.5  ], dtype=float32)
    """
    size = tf.abs(difference)
    return tf.where(size < 1.0, 0.5 * tf.square(difference), size - 0.5)
