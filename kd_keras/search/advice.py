"""A choice in plain sentences: what to take, what more would cost, and how sure that is."""

from kd_keras.search.students import QUANTITIES

__all__ = ["describe", "format_quantity"]

_SHOWN = ("latency_milliseconds", "size_bytes", "parameters", "peak_memory_bytes")
_WORDS = {
    "latency_milliseconds": "time",
    "multiply_adds": "number of multiply-adds",
    "parameters": "number of parameters",
    "size_bytes": "file's size",
    "peak_memory_bytes": "peak memory",
}


def format_quantity(quantity, value):
    """What a student costs, with its unit.

    Args:
        quantity: One of `students.QUANTITIES`.
        value: In the unit of the quantity's name.

    Example:
        >>> format_quantity("latency_milliseconds", 1.8432), format_quantity("size_bytes", 7.2e5)
        ('1.84 ms', '0.72 MB')
    """
    if quantity == "latency_milliseconds":
        return f"{_three_digits(value)} ms"
    if quantity.endswith("_bytes"):
        memory = " of memory" if quantity == "peak_memory_bytes" else ""
        return f"{_three_digits(value / 1e6)} MB{memory}"
    if quantity == "multiply_adds":
        return f"{_three_digits(value / 1e6)} million multiply-adds"
    return f"{round(value):,} parameters"


def _three_digits(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def describe(choice):
    """Say what a choice comes to.

    Args:
        choice: A `choice.Choice`.

    Yields:
        Sentences.
    """
    if choice.student is None:
        yield from _describe_none(choice)
    else:
        yield f"Take {_describe_student(choice.student)}."
        yield from _describe_next_better(choice)
        yield from _describe_confidence(choice)
        yield from _describe_nearness(choice)
    yield from _describe_unknown(choice)


def _describe_student(candidate):
    seeds = len(candidate.errors_percent)
    parts = [f"{candidate.validation_error_percent:.2f}% error on validation"]
    parts[0] += f" (mean of {seeds} seeds)" if seeds > 1 else ""
    for quantity in _SHOWN:
        value = candidate.quantity(quantity)
        if value is not None:
            image = " for one image" if quantity == "latency_milliseconds" else ""
            parts.append(format_quantity(quantity, value) + image)
    if candidate.test_error_percent is not None:
        parts.append(f"{candidate.test_error_percent:.2f}% error on test")
    return f"{candidate.name}: {', '.join(parts)}"


def _describe_next_better(choice):
    better, student = choice.next_better, choice.student
    if better is None:
        if choice.limits and not _has_unknown(choice):
            yield "None of the students has a lower error, whatever it costs."
        return
    points = student.validation_error_percent - better.validation_error_percent
    costs = [
        f"{format_quantity(q, better.quantity(q) - student.quantity(q))} more"
        for q in choice.limits
        if better.quantity(q) > choice.limits[q]
    ]
    yield (
        f"The next better, {better.name}, would cost {' and '.join(costs)} and has "
        f"{points:.2f} points less error."
    )


def _describe_confidence(choice):
    student, other, gain = choice.student, choice.runner_up, choice.gain
    if other is None:
        within = " within the limits" if choice.limits else ""
        yield f"It is the only one{within}."
        return
    points = other.validation_error_percent - student.validation_error_percent
    if points == 0:
        yield f"{other.name} has the same error; of the two the one that costs less is taken."
        return
    against = f"Against {other.name}, the next best{' within the limits' if choice.limits else ''},"
    if gain is not None and gain["mean"] < 0:
        yield f"{against} {_describe_reversal(points, gain)}."
        return
    if gain is None or gain["low"] is None:
        yield f"{against} it has {points:.2f} points less error; {_why_unsure(student, other)}."
        return
    interval = f"{_describe_interval(gain)}, {gain['num_seeds']} seeds"
    if gain["low"] <= 0 <= gain["high"]:
        yield f"{against} no difference is shown: {gain['mean']:+.2f} points, {interval}."
    else:
        yield f"{against} it gains {gain['mean']:.2f} points, {interval}."


def _describe_interval(gain):
    return f"95% interval {gain['low']:.2f} to {gain['high']:.2f}"


def _describe_reversal(points, gain):
    """Where the common seeds say the opposite of what the means over all seeds say."""
    seeds = "1 seed" if gain["num_seeds"] == 1 else f"{gain['num_seeds']} seeds"
    interval = "" if gain["low"] is None else f", {_describe_interval(gain)}"
    return (
        f"it has {points:.2f} points less error in the mean, but their seeds differ: over the "
        f"{seeds} that both have it is worse, {gain['mean']:+.2f} points{interval}"
    )


def _why_unsure(student, other):
    common = set(student.errors_percent) & set(other.errors_percent)
    if len(common) > 1:
        return f"the same in each of {len(common)} seeds, which gives no interval"
    if len(common) == 1:
        return "that is one seed, and what another would change is not known"
    return "no seed is common to both, so that there is no interval"


def _describe_nearness(choice):
    """A warning where the time is within the limit, but not every time."""
    limit, found = choice.limits.get("latency_milliseconds"), choice.student.latency_range
    if limit is not None and found is not None and found[1] > limit:
        low, high = (format_quantity("latency_milliseconds", value) for value in found)
        yield (
            f"Repeated measurements of its time lie between {low} and {high}, and "
            f"{format_quantity('latency_milliseconds', limit)} is the limit: a busy machine may "
            "miss it."
        )


def _describe_none(choice):
    limits = ", ".join(format_quantity(q, limit) for q, limit in choice.limits.items())
    closest = choice.closest
    yield f"No student is known to be within the limits: {limits}."
    if closest is None:
        return
    excess = []
    for quantity, limit in choice.limits.items():
        value = closest.quantity(quantity)
        if value > limit:
            more = format_quantity(quantity, value - limit)
            excess.append(
                f"{format_quantity(quantity, value)}, which is {more} or "
                f"{100 * (value / limit - 1):.0f}% too much"
            )
    yield f"The closest, {closest.name}, has {' and '.join(excess)}."


def _has_unknown(choice):
    return any(c.quantity(q) is None for c in choice.beyond for q in choice.limits)


def _describe_unknown(choice):
    for quantity in QUANTITIES:
        if quantity in choice.limits:
            count = sum(c.quantity(quantity) is None for c in choice.beyond)
            if count:
                students = "1 student" if count == 1 else f"{count} students"
                yield f"The {_WORDS[quantity]} of {students} is not known: left out."
