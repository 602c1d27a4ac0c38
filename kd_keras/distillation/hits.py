"""Whether the largest logit is that of a class: of the label, or of what another network says."""

import tensorflow as tf

__all__ = ["hits"]


def hits(classes, logits):
    """Where a prediction is right, as a number whose mean is the rate.

    Args:
        classes: Shape (batch,), integers.
        logits: Shape (batch, classes).

    Returns:
        1 or 0, shape (batch,), float32.

    Example:
        >>> hits(tf.constant([1, 0]), tf.constant([[0.0, 2.0], [0.0, 2.0]])).numpy()
        array([1., 0.], dtype=float32)
    """
    predicted = tf.argmax(logits, axis=-1, output_type=classes.dtype)
    return tf.cast(predicted == classes, tf.float32)
