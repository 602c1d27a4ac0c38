"""How good a classifier is, and how near it is to its teacher: figures from logits and labels.

Pure functions of arrays, in float64 and in log space, without TensorFlow. Where classes tie for
the highest logit, the tie counts against the network: constant logits are never right. Means
over a training epoch are kept by the distiller.
"""

import dataclasses

import numpy as np

__all__ = [
    "CalibrationBins",
    "agreement",
    "calibration_bins",
    "divergence_from_teacher",
    "expected_calibration_error",
    "negative_log_likelihood",
    "per_class_error",
    "summarize",
    "top_k_error",
]


def _checked_logits(logits, name="logits"):
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


def _checked(logits, labels):
    logits, labels = _checked_logits(logits), np.asarray(labels)
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


def _checked_pair(teacher_logits, student_logits):
    teacher_logits = _checked_logits(teacher_logits, "teacher_logits")
    student_logits = _checked_logits(student_logits, "student_logits")
    if teacher_logits.shape != student_logits.shape:
        raise ValueError(
            "Teacher and student disagree on the shape of their logits. "
            f"Received: teacher {teacher_logits.shape}, student {student_logits.shape}."
        )
    return teacher_logits, student_logits


def _log_probabilities(logits):
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def _is_hit(logits, labels, k):
    """Whether fewer than k other classes have a logit as high as the label's."""
    of_label = np.take_along_axis(logits, labels[:, np.newaxis], axis=1)
    return (logits >= of_label).sum(axis=1) <= k


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
    logits, labels = _checked(logits, labels)
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"Invalid value for k. Expected 1 to {logits.shape[1]}. Received: {k}.")
    return float(100.0 * np.mean(~_is_hit(logits, labels, k)))


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
    logits, labels = _checked(logits, labels)
    of_label = np.take_along_axis(_log_probabilities(logits), labels[:, np.newaxis], axis=1)
    return float(-of_label.mean()) + 0.0  # no negative zero


@dataclasses.dataclass(frozen=True, eq=False)
class CalibrationBins:
    """Examples by the highest probability that a network gives.

    Attributes:
        edges: Of the bins, from 0 to 1, shape (bins + 1,). The upper edge is within.
        counts: Examples in each bin, shape (bins,).
        confidence: Their mean highest probability, shape (bins,); 0 where there are none.
        accuracy: Share of them that are right, shape (bins,); 0 where there are none.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def calibration_bins(logits, labels, num_bins=15):
    """Put examples in bins of equal width by the highest probability.

    Args:
        logits: Shape (examples, classes).
        labels: Class indices, shape (examples,).
        num_bins: Bins between 0 and 1.

    Returns:
        `CalibrationBins`: what a reliability diagram shows.

    Raises:
        ValueError: If a shape, a label or `num_bins` is out of range, or a logit is not finite.
        TypeError: If the labels are not integers.

    Example:
        >>> bins = calibration_bins([[0.0, 60.0], [60.0, 0.0]], [1, 1], num_bins=2)
        >>> bins.counts, bins.confidence, bins.accuracy
        (array([0, 2]), array([0., 1.]), array([0. , 0.5]))
    """
    logits, labels = _checked(logits, labels)
    if num_bins < 1:
        raise ValueError(f"Invalid value for num_bins. Expected 1 or more. Received: {num_bins}.")
    highest = np.exp(_log_probabilities(logits).max(axis=1))
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    bins = np.searchsorted(edges[1:-1], highest, side="left")
    counts = np.bincount(bins, minlength=num_bins)
    confidence, accuracy = (
        np.bincount(bins, weights=values, minlength=num_bins) / np.maximum(1, counts)
        for values in (highest, _is_hit(logits, labels, 1))
    )
    return CalibrationBins(edges, counts, confidence, accuracy)


def expected_calibration_error(logits, labels, num_bins=15):
    """How far confidence and accuracy lie apart, in percentage points.

    100 * sum_b n_b / n * |accuracy_b - confidence_b|, over bins b of equal width of the highest
    probability, ((b - 1) / num_bins, b / num_bins].

    Args:
        logits: Shape (examples, classes).
        labels: Class indices, shape (examples,).
        num_bins: Bins between 0 and 1.

    Returns:
        Percentage points, from 0 to 100.

    Raises:
        ValueError: If a shape, a label or `num_bins` is out of range, or a logit is not finite.
        TypeError: If the labels are not integers.

    Example:
        >>> expected_calibration_error([[0.0, 60.0], [60.0, 0.0]], [1, 1])
        50.0

    Reference:
        Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
        Binning", 2015; as used by Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern
        Neural Networks", 2017, section 2.
    """
    bins = calibration_bins(logits, labels, num_bins)
    gaps = np.abs(bins.accuracy - bins.confidence)
    return float(100.0 * (bins.counts * gaps).sum() / bins.counts.sum())


def agreement(teacher_logits, student_logits):
    """Share of the examples for which both choose the same class, in percent.

    Where classes tie for the highest logit, both have to tie in the same ones.

    Args:
        teacher_logits: Shape (examples, classes).
        student_logits: Shape (examples, classes).

    Returns:
        Percent, from 0 to 100.

    Raises:
        ValueError: If the shapes are wrong or differ, or a logit is not finite.

    Example:
        >>> agreement([[2.0, 1.0], [0.0, 1.0]], [[9.0, 0.0], [5.0, 0.0]])
        50.0
    """
    chosen = [
        logits == logits.max(axis=1, keepdims=True)
        for logits in _checked_pair(teacher_logits, student_logits)
    ]
    return float(100.0 * np.mean((chosen[0] == chosen[1]).all(axis=1)))


def divergence_from_teacher(teacher_logits, student_logits):
    """Mean Kullback-Leibler divergence of the student from the teacher, in nats.

    mean over examples of sum_c p_c (log p_c - log q_c), p = softmax(teacher_logits),
    q = softmax(student_logits). The temperature is 1.

    Args:
        teacher_logits: Shape (examples, classes).
        student_logits: Shape (examples, classes).

    Returns:
        Nats per example, 0 or more.

    Raises:
        ValueError: If the shapes are wrong or differ, or a logit is not finite.

    Example:
        >>> divergence_from_teacher([[2.0, 1.0]], [[3.0, 2.0]])
        0.0
    """
    teacher_logits, student_logits = _checked_pair(teacher_logits, student_logits)
    log_p, log_q = _log_probabilities(teacher_logits), _log_probabilities(student_logits)
    divergence = (np.exp(log_p) * (log_p - log_q)).sum(axis=1).mean()
    return max(0.0, float(divergence))  # rounding can leave -1e-17


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
    logits, labels = _checked(logits, labels)
    if num_classes != logits.shape[1]:
        raise ValueError(
            f"Invalid value for num_classes. Expected {logits.shape[1]}, the width of the logits. "
            f"Received: {num_classes}."
        )
    count = np.bincount(labels, minlength=num_classes)
    missed = np.bincount(labels, weights=~_is_hit(logits, labels, 1), minlength=num_classes)
    return tuple(
        float(100.0 * wrong / examples) if examples else None
        for wrong, examples in zip(missed, count, strict=True)
    )


def summarize(student_logits, labels, class_names, teacher_logits=None):
    """All figures of a finished network, as they are written to `metrics.json`.

    Args:
        student_logits: Shape (examples, classes).
        labels: Class indices, shape (examples,).
        class_names: One per class.
        teacher_logits: Shape (examples, classes), for the two figures that need them.

    Returns:
        A dictionary of plain numbers whose keys carry the units. The top-5 error is there for
        more than five classes.

    Raises:
        ValueError: If a shape, a label or the number of names is wrong, or a logit is not
            finite.
        TypeError: If the labels are not integers.

    Example:
        >>> summary = summarize([[2.0, 1.0], [2.0, 1.0]], [0, 1], ("cat", "dog"))
        >>> summary["top1_error_percent"], summary["per_class_error_percent"]
        (50.0, {'cat': 0.0, 'dog': 100.0})
    """
    student_logits, labels = _checked(student_logits, labels)
    num_classes = student_logits.shape[1]
    if not len(class_names) == len(set(class_names)) == num_classes:
        raise ValueError(
            f"Invalid class_names. Expected {num_classes} different names, one per class. "
            f"Received: {', '.join(map(str, class_names))}."
        )
    summary = {
        "num_examples": len(labels),
        "top1_error_percent": top_k_error(student_logits, labels, 1),
    }
    if num_classes > 5:
        summary["top5_error_percent"] = top_k_error(student_logits, labels, 5)
    summary |= {
        "negative_log_likelihood_nats": negative_log_likelihood(student_logits, labels),
        "expected_calibration_error_percent": expected_calibration_error(student_logits, labels),
    }
    if teacher_logits is not None:
        summary |= {
            "agreement_with_teacher_percent": agreement(teacher_logits, student_logits),
            "divergence_from_teacher_nats": divergence_from_teacher(teacher_logits, student_logits),
        }
    errors = per_class_error(student_logits, labels, num_classes)
    return summary | {"per_class_error_percent": dict(zip(class_names, errors, strict=True))}
