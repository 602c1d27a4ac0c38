"""Checks of the numbers and choices that losses are made with."""

import math

from kd_keras import registry

__all__ = [
    "above_zero",
    "at_least",
    "fraction",
    "not_negative",
    "one_of",
    "up_to_one",
    "whole_number",
]


def above_zero(name, value):
    """Return a finite number above 0, or refuse it.

    Example:
        >>> above_zero("power", 2.0)
        2.0
    """
    return _require(0 < value < math.inf, name, "a number above 0", value)


def at_least(name, value, lowest):
    """Return a finite number from some other on, or refuse it."""
    return _require(lowest <= value < math.inf, name, f"{lowest} or more", value)


def not_negative(name, value):
    """Return a finite number that is 0 or more, or refuse it."""
    return _require(0 <= value < math.inf, name, "0 or more", value)


def fraction(name, value):
    """Return a number in [0, 1), or refuse it."""
    return _require(0 <= value < 1, name, "a number from 0 up to but not including 1", value)


def up_to_one(name, value):
    """Return a number above 0 and no more than 1, or refuse it."""
    return _require(0 < value <= 1, name, "above 0 and no more than 1", value)


def whole_number(name, value, *, lowest, highest=math.inf):
    """Return a whole number in a range as an int, or refuse it.

    Example:
        >>> whole_number("list_length", 4.0, lowest=1)
        4
    """
    expected = f"a whole number from {lowest}" + ("" if math.isinf(highest) else f" to {highest}")
    whole = math.isfinite(value) and value == int(value) and lowest <= value <= highest
    return int(_require(whole, name, expected, value))


def one_of(name, choices, value):
    """Return one of some names, or refuse it."""
    if value not in choices:
        raise registry.unknown_name(name, choices, value)
    return value


def _require(condition, name, expected, value):
    if not condition:
        raise ValueError(f"Invalid value for {name}. Expected {expected}. Received: {value}.")
    return value
