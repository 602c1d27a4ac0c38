"""All figures of a finished network together."""

from kd_keras.metrics.calibration import expected_calibration_error
from kd_keras.metrics.checks import check
from kd_keras.metrics.errors import per_class_error, top_k_error
from kd_keras.metrics.likelihood import negative_log_likelihood
from kd_keras.metrics.teacher import agreement, divergence_from_teacher

__all__ = ["summarize"]


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
    student_logits, labels = check(student_logits, labels)
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
