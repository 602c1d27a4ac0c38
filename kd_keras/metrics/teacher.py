"""How near a student is to its teacher."""

import numpy as np

from kd_keras.metrics.checks import check_pair, log_probabilities

__all__ = ["agreement", "divergence_from_teacher"]


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
        for logits in check_pair(teacher_logits, student_logits)
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
    teacher_logits, student_logits = check_pair(teacher_logits, student_logits)
    log_p, log_q = log_probabilities(teacher_logits), log_probabilities(student_logits)
    divergence = (np.exp(log_p) * (log_p - log_q)).sum(axis=1).mean()
    return max(0.0, float(divergence))  # rounding can leave -1e-17
