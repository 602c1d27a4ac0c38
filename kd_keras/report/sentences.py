"""What a few figures say, in plain sentences, and what they do not."""

import math

from kd_keras import intervals

__all__ = ["compare_methods", "compare_students"]


def compare_students(control, student, *, num_examples, judged_on="test"):
    """Compare one student with the from-scratch control, on one run of each.

    The uncertainty is that of the images alone: two error rates over n images differ by
    chance with a standard deviation of about sqrt((p (1 - p) + q (1 - q)) / (n + 2)), where p and
    q count one error and one success more than there were, so that a rate of 0 is not taken as
    certain. Runs with other seeds differ besides.

    Args:
        control: The control's error in percent.
        student: The student's error in percent.
        num_examples: Images that the errors are over.
        judged_on: Which images they are.

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
    change = _describe_change(control - student, "the student from scratch")
    chance = _describe_chance(control, student, num_examples, judged_on)
    return f"It {change}: {chance}, in one run."


def compare_methods(label, errors, *, control, control_errors, num_examples, judged_on="test"):
    """Say whether a method gains over the same student trained from scratch.

    Several seeds are compared pair by pair (`intervals.paired_gain`): there is a difference
    where the 95% interval leaves out 0. One seed has no interval, and what can be said of it is
    whether the images alone could make the difference, as in `compare_students`.

    Args:
        label: The method's name.
        errors: Its errors in percent by seed.
        control: The control's name.
        control_errors: The control's errors in percent by seed.
        num_examples: Images that the errors are over.
        judged_on: Which images they are.

    Returns:
        A sentence.

    Example:
        >>> control = {0: 7.6, 1: 7.5, 2: 7.7}
        >>> words = {"control": "from scratch", "control_errors": control, "num_examples": 1000}
        >>> compare_methods("adversarial", {0: 6.0, 1: 6.1, 2: 6.1}, **words)
        'adversarial gains 1.53 points over from scratch, 95% interval 1.25 to 1.82, 3 seeds.'
        >>> compare_methods("adversarial", {0: 6.0}, **words)
        'adversarial gains 1.60 points over from scratch: no more than the 2.22 points that \
1000 test images can differ by chance; one seed has no interval.'
    """
    gain = intervals.paired_gain(control_errors, errors)
    if gain is None:
        return f"{label} has no finished seed in common with {control} yet."
    seeds, points, low, high = (gain[key] for key in ("num_seeds", "mean", "low", "high"))
    change = _describe_change(points, control)
    if seeds == 1:
        (seed,) = set(errors) & set(control_errors)
        chance = _describe_chance(control_errors[seed], errors[seed], num_examples, judged_on)
        return f"{label} {change}: {chance}; one seed has no interval."
    if low is None:
        return f"{label} {change} in each of {seeds} seeds, which gives no interval."
    if low <= 0 <= high:
        return (
            f"{label}: no difference to {control} shown: {points:+.2f} points, 95% interval "
            f"{low:.2f} to {high:.2f}, {seeds} seeds."
        )
    low, high = sorted((abs(low), abs(high)))
    return f"{label} {change}, 95% interval {low:.2f} to {high:.2f}, {seeds} seeds."


def _describe_change(points, control):
    verb, link = ("gains", "over") if points >= 0 else ("loses", "against")
    return f"{verb} {abs(points):.2f} points {link} {control}"


def _describe_chance(control, student, num_examples, judged_on):
    p, q = ((error / 100 * num_examples + 1) / (num_examples + 2) for error in (control, student))
    chance = 196 * math.sqrt((p * (1 - p) + q * (1 - q)) / (num_examples + 2))
    measure = "more" if abs(control - student) > chance else "no more"
    return (
        f"{measure} than the {chance:.2f} points that {num_examples} {judged_on} images can "
        "differ by chance"
    )
