"""What every figure asks of logits and labels first, and what several are computed from."""

import numpy as np

__all__ = ["check", "check_logits", "check_pair", "is_hit", "log_probabilities"]


def check_logits(logits, name="logits"):
    """Logits as float64.

    Args:
        logits: Shape (examples, classes).
        name: What an error calls them.

    Returns:
        The array.

    Raises:
        ValueError: If the shape is wrong, or a logit is not finite.
    """
    logits = np.asarray(logits, np.float64)
    if logits.ndim != 2 or 0 in logits.shape:
        raise ValueError(
            f"Invalid shape of {name}. Expected (examples, classes) with at least one of each. "
            f"Received: {logits.shape}."
        )
    if not np.isfinite(logits).all():
        raise ValueError(
            f"Invalid {name}. Expected finite numbers. "
            f"Received: {np.count_nonzero(~np.isfinite(logits))} that are not."
        )
    return logits


def check(logits, labels):
    """Logits and labels that belong together.

    Args:
        logits: Shape (examples, classes).
        labels: Class indices, shape (examples,).

    Returns:
        The logits as float64, and the labels.

    Raises:
        ValueError: If a shape or a label is out of range, or a logit is not finite.
        TypeError: If the labels are not integers.
    """
    logits, labels = check_logits(logits), np.asarray(labels)
    if labels.shape != logits.shape[:1]:
        raise ValueError(
            f"Invalid shape of labels. Expected {logits.shape[:1]}, one class index per row of "
            f"the logits. Received: {labels.shape}."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"Invalid type of labels. Expected integers. Received: {labels.dtype}.")
    num_classes = logits.shape[1]
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"Invalid labels. Expected class indices from 0 to {num_classes - 1}. "
            f"Received: {labels.min()} to {labels.max()}."
        )
    return logits, labels


def check_pair(teacher_logits, student_logits):
    """The logits of teacher and student for the same examples.

    Args:
        teacher_logits: Shape (examples, classes).
        student_logits: Shape (examples, classes).

    Returns:
        Both as float64.

    Raises:
        ValueError: If the shapes are wrong or differ, or a logit is not finite.
    """
    teacher_logits = check_logits(teacher_logits, "teacher_logits")
    student_logits = check_logits(student_logits, "student_logits")
    if teacher_logits.shape != student_logits.shape:
        raise ValueError(
            "Teacher and student disagree on the shape of their logits. "
            f"Received: teacher {teacher_logits.shape}, student {student_logits.shape}."
        )
    return teacher_logits, student_logits


def log_probabilities(logits):
    """log softmax(logits), shape (examples, classes), from logits that were checked."""
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def is_hit(logits, labels, k):
    """Which examples have their label among the k highest logits, shape (examples,).

    A class whose logit equals the label's counts as higher.
    """
    of_label = np.take_along_axis(logits, labels[:, np.newaxis], axis=1)
    return (logits >= of_label).sum(axis=1) <= k
