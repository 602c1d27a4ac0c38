"""A value that changes with the epochs, read from a text as a command line has it."""

import dataclasses
import math
import re

__all__ = ["Point", "read_schedule", "value_at"]

_POINT = re.compile(r"(^|[+~])([^+~]*)")
_FORM = "EPOCH:VALUE points with + (a step) or ~ (a straight line) between them"


@dataclasses.dataclass(frozen=True)
class Point:
    """A value from an epoch on.

    Attributes:
        epoch: Counted from 1.
        value: From that epoch on.
        straight: Whether the value goes there on a straight line from the point before.
    """

    epoch: int
    value: float
    straight: bool = False


def read_schedule(text):
    """Read points in time.

    Args:
        text: Points `EPOCH:VALUE`, epochs from 1 in ascending order. A `+` before a point: the
            value jumps there; a `~`: it goes there on a straight line.

    Returns:
        A tuple of `Point`s.

    Raises:
        ValueError: If it is not understood.

    Example:
        >>> read_schedule("1:0+6:4~30:1")[1:]
        (Point(epoch=6, value=4.0, straight=False), Point(epoch=30, value=1.0, straight=True))
    """
    points = []
    for sign, point in _POINT.findall(text):
        epoch, separator, value = point.partition(":")
        try:
            points.append(Point(int(epoch), float(value), sign == "~"))
        except ValueError:
            raise _not_understood(text) from None
        if not separator or not 0 <= points[-1].value < math.inf:
            raise _not_understood(text)
    epochs = [point.epoch for point in points]
    if not points or epochs != sorted(set(epochs)) or epochs[0] < 1 or points[0].straight:
        raise _not_understood(text)
    return tuple(points)


def _not_understood(text):
    return ValueError(
        f"Expected {_FORM}, values of 0 or more, epochs from 1 in ascending order, as in "
        f"1:0+6:4~30:1. Received: {text!r}."
    )


def value_at(points, epoch, before):
    """The value in an epoch.

    Args:
        points: As `read_schedule` gives them.
        epoch: Counted from 1.
        before: The value before the first point.

    Returns:
        A number.

    Example:
        >>> points = read_schedule("3:4~5:2")
        >>> [value_at(points, epoch, before=9.0) for epoch in (2, 3, 4, 5, 6)]
        [9.0, 4.0, 3.0, 2.0, 2.0]
    """
    reached = [point for point in points if point.epoch <= epoch]
    if not reached:
        return before
    last, following = reached[-1], points[len(reached) :][:1]
    if following and following[0].straight:
        share = (epoch - last.epoch) / (following[0].epoch - last.epoch)
        return last.value + share * (following[0].value - last.value)
    return last.value
