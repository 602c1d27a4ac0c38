"""How often a classifier is wrong."""

import numpy as np

from kd_keras.metrics.checks import check, is_hit

__all__ = ["per_class_error", "top_k_error"]


def top_k_error(logits, labels, k):
    """Share of the examples whose label is not among the k highest logits, in percent.

    A class whose logit equals the label's counts as higher.

    Args:
        logits: Shape (examples, classes).
        labels: Class indices, shape (examples,).
        k: From 1 to the number of classes.

    Returns:
        Percent, from 0 to 100.

    Raises:
        ValueError: If a shape, a label or k is out of range, or a logit is not finite.
        TypeError: If the labels are not integers.

    Example:
        >>> top_k_error([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]], [0, 1], k=1)
        50.0
    """
    logits, labels = check(logits, labels)
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"Invalid value for k. Expected 1 to {logits.shape[1]}. Received: {k}.")
    return float(100.0 * np.mean(~is_hit(logits, labels, k)))


def per_class_error(logits, labels, num_classes):
    """Top-1 error among the examples of each class, in percent.

    Args:
        logits: Shape (examples, classes).
        labels: Class indices, shape (examples,).
        num_classes: Classes; the width of the logits.

    Returns:
        A tuple with a number from 0 to 100 for each class, or None where the class has no
        examples.

    Raises:
        ValueError: If a shape or a label is out of range, or a logit is not finite.
        TypeError: If the labels are not integers.

    Example:
        >>> per_class_error([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]], [0, 1], num_classes=3)
        (0.0, 100.0, None)
    """
    logits, labels = check(logits, labels)
    if num_classes != logits.shape[1]:
        raise ValueError(
            f"Invalid value for num_classes. Expected {logits.shape[1]}, the width of the logits. "
            f"Received: {num_classes}."
        )
    count = np.bincount(labels, minlength=num_classes)
    missed = np.bincount(labels, weights=~is_hit(logits, labels, 1), minlength=num_classes)
    return tuple(
        float(100.0 * wrong / examples) if examples else None
        for wrong, examples in zip(missed, count, strict=True)
    )
