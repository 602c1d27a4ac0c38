"""The candidates that axes make: what each is as a configuration, and whether all are possible."""

import dataclasses
import itertools
import random

from kd_keras.search.axes import convert, write_value

__all__ = ["apply", "check", "count", "describe", "enumerate_all", "normalize"]

_MOST_CHECKED = 2000
_DIGITS = 6  # significant ones of a number that is tried


def apply(config, values):
    """The configuration of a candidate.

    Args:
        config: The `Config` that all candidates share.
        values: Values by field, as axes have them.

    Returns:
        The `Config`.

    Raises:
        ValueError: If it is not possible. The message names the candidate.

    Example:
        >>> from kd_keras.config import Config
        >>> apply(Config(), {"student.depth": 22}).student.depth
        22
        >>> apply(Config(), {"student.width": 0})
        Traceback (most recent call last):
        ValueError: There is no candidate student.width=0: Invalid value for width. Expected a \
number above 0. Received: 0.
    """
    sections = {}
    for field, value in values.items():
        section, _, name = field.partition(".")
        sections.setdefault(section, {})[name] = convert(field, value)
    try:
        replaced = {
            section: dataclasses.replace(getattr(config, section), **fields)
            for section, fields in sections.items()
        }
    except ValueError as error:
        raise ValueError(f"There is no candidate {describe(values)}: {error}") from None
    return dataclasses.replace(config, **replaced)


def describe(values):
    """The values of a candidate in words.

    Example:
        >>> describe({"student.depth": 10, "training.learning_rate": 0.1})
        'student.depth=10, training.learning_rate=0.1'
    """
    return ", ".join(f"{field}={write_value(value)}" for field, value in values.items())


def normalize(axes, values):
    """The values of a candidate as they are written and compared.

    Numbers that were drawn from a range keep six significant digits, and a number that came back
    in single precision is the choice that it was.

    Args:
        axes: The `Axis`es.
        values: Values by the axis's name, and perhaps others.

    Returns:
        Values by field, those of axes that have a meaning, in the order of the axes.

    Example:
        >>> from kd_keras.search import parse_all
        >>> axes = parse_all(["student.dropout=0.1,0.3"])
        >>> normalize(axes, {"student.dropout": 0.30000001192, "tuner/round": 0})
        {'student.dropout': 0.3}
    """
    found = {}
    for axis in axes:
        if axis.name in values and axis.is_active(found):
            found[axis.field] = _normalize_one(axis, values[axis.name])
    return found


def _normalize_one(axis, value):
    if isinstance(value, str):
        return value
    if axis.kind == "choice":
        return min(axis.choices, key=lambda choice: abs(choice - value))
    return int(value) if axis.kind == "integer" else float(f"{value:.{_DIGITS}g}")


def enumerate_all(axes):
    """Go through all candidates of a space whose values can be listed.

    Args:
        axes: `Axis`es, each with `values`.

    Yields:
        Values by field, without those of axes that have no meaning.

    Example:
        >>> from kd_keras.search import parse_all
        >>> len(list(enumerate_all(parse_all(["student.depth=10,16", "student.width=1,2"]))))
        4
    """
    return _enumerate(axes, {}, lambda axis: axis.values)


def _enumerate(axes, values, choices_of):
    if not axes:
        yield dict(values)
        return
    axis, *rest = axes
    if not axis.is_active(values):
        yield from _enumerate(rest, values, choices_of)
        return
    for choice in choices_of(axis):
        yield from _enumerate(rest, {**values, axis.field: choice}, choices_of)


def count(axes, most=1_000_000):
    """How many candidates there are; None where there are more, or they cannot be listed."""
    if any(axis.values is None for axis in axes):
        return None
    found = sum(1 for _ in itertools.islice(enumerate_all(axes), most + 1))
    return found if found <= most else None


def check(config, axes, *, seed=0):
    """Refuse a space with a candidate that is not possible, before any is tried.

    All candidates are made where there are not too many. Otherwise those in the corners are, and
    each value of each axis in a candidate that is drawn.

    Args:
        config: The `Config` that all candidates share.
        axes: The `Axis`es.
        seed: Of what is drawn.

    Returns:
        The `Config`s that were made.

    Raises:
        ValueError: As `apply`.

    Example:
        >>> from kd_keras.config import Config
        >>> from kd_keras.search import parse_all
        >>> len(check(Config(), parse_all(["student.depth=10..22,step=6"])))
        3
    """
    return [apply(config, values) for values in _choose_checked(axes, random.Random(seed))]


def _choose_checked(axes, generator):
    if count(axes, _MOST_CHECKED) is not None:
        yield from enumerate_all(axes)
        return
    corners = _enumerate(axes, {}, lambda axis: dict.fromkeys(axis.ends))
    yield from itertools.islice(corners, _MOST_CHECKED)
    for axis in axes:
        for value in (axis.values or axis.ends)[:_MOST_CHECKED]:
            yield _draw_with(axes, axis, value, generator)


def _draw_with(axes, chosen, value, generator):
    values = {}
    for axis in axes:
        if not axis.is_active(values):
            continue
        if axis is chosen:
            values[axis.field] = value
        elif axis.values:
            values[axis.field] = generator.choice(axis.values)
        else:
            values[axis.field] = _normalize_one(axis, generator.uniform(axis.low, axis.high))
    return values
