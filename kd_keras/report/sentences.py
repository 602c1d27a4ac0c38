"""What a few figures say, in plain sentences, and what they do not."""

import math

__all__ = ["compare_students"]


def compare_students(control, student, *, num_examples):
    """Compare one student with the from-scratch control, on one run of each.

    The uncertainty is that of the test images alone: two error rates over n images differ by
    chance with a standard deviation of about sqrt((p (1 - p) + q (1 - q)) / (n + 2)), where p and
    q count one error and one success more than there were, so that a rate of 0 is not taken as
    certain. Runs with other seeds differ besides.

    Args:
        control: The control's error in percent.
        student: The student's error in percent.
        num_examples: Test images.

    Returns:
        A sentence.

    Example:
        >>> compare_students(6.0, 2.0, num_examples=1000)
        'It gains 4.00 points over the student from scratch: more than the 1.73 points that \
1000 test images can differ by chance, in one run.'

    Reference:
        Agresti, Caffo, "Simple and Effective Confidence Intervals for Proportions and
        Differences of Proportions Result from Adding Two Successes and Two Failures", 2000.
    """
    p, q = ((error / 100 * num_examples + 1) / (num_examples + 2) for error in (control, student))
    chance = 196 * math.sqrt((p * (1 - p) + q * (1 - q)) / (num_examples + 2))
    gain = control - student
    verb = "gains" if gain >= 0 else "loses"
    measure = "more" if abs(gain) > chance else "no more"
    link = "over" if gain >= 0 else "against"
    return (
        f"It {verb} {abs(gain):.2f} points {link} the student from scratch: {measure} than the "
        f"{chance:.2f} points that {num_examples} test images can differ by chance, in one run."
    )
