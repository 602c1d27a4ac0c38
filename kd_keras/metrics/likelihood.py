"""How probable a classifier finds the labels."""

import numpy as np

from kd_keras.metrics.checks import check, log_probabilities

__all__ = ["negative_log_likelihood"]


def negative_log_likelihood(logits, labels):
    """Mean negative logarithm of the label's probability, in nats.

    mean over examples of -log softmax(logits)[label]

    Args:
        logits: Shape (examples, classes).
        labels: Class indices, shape (examples,).

    Returns:
        Nats per example, 0 or more.

    Raises:
        ValueError: If a shape or a label is out of range, or a logit is not finite.
        TypeError: If the labels are not integers.

    Example:
        >>> round(negative_log_likelihood([[0.0, 0.0]], [1]), 4)
        0.6931
    """
    logits, labels = check(logits, labels)
    of_label = np.take_along_axis(log_probabilities(logits), labels[:, np.newaxis], axis=1)
    return float(-of_label.mean()) + 0.0  # no negative zero
