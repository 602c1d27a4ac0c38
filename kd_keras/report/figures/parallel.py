"""Parallel coordinates: every student a line across the axes that a search varied."""

import dataclasses
import math

from kd_keras.report import drawing

__all__ = ["Coordinate", "draw_parallel"]

_SPACING = 74  # points between two axes
_MOST_TICKS = 7  # values that are all written; of more, the first and the last
_LOGARITHMIC = 30  # ratio of the largest number to the smallest


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coordinate:
    """An upright axis.

    Attributes:
        name: What it is, with its unit.
        values: Of each line: a number, another value, or None where it has none.
    """

    name: str
    values: tuple

    @property
    def different(self):
        """Every value once, the lowest first."""
        known = {value for value in self.values if value is not None}
        return sorted(known, key=None if self.is_numeric else str)

    @property
    def is_numeric(self):
        """Whether all values are numbers."""
        known = [value for value in self.values if value is not None]
        return all(
            isinstance(value, int | float) and not isinstance(value, bool) for value in known
        )

    @property
    def heights(self):
        """Of each line where it crosses the axis, from 0 to 1; None where it does not."""
        different = self.different
        if not self.is_numeric:
            place = {value: float(index) for index, value in enumerate(different)}
        elif different and different[0] > 0 and different[-1] / different[0] >= _LOGARITHMIC:
            place = {value: math.log(value) for value in different}
        else:
            place = {value: float(value) for value in different}
        low, high = min(place.values(), default=0.0), max(place.values(), default=0.0)
        return tuple(
            None if value is None else 0.5 if low == high else (place[value] - low) / (high - low)
            for value in self.values
        )


@drawing.as_svg
def draw_parallel(coordinates, *, chosen):
    """Draw the lines, those that are chosen in colour over the others in grey.

    Args:
        coordinates: `Coordinate`s, from left to right, with as many values each.
        chosen: Of each line, whether it is in colour.

    Returns:
        The SVG.
    """
    width = max(drawing.WIDTH, _SPACING * len(coordinates))
    figure = drawing.new_figure(height=260, width=width)
    axes = figure.subplots()
    heights = [coordinate.heights for coordinate in coordinates]
    for line in sorted(range(len(chosen)), key=lambda index: chosen[index]):
        style = {"color": drawing.colour("muted"), "alpha": 0.35, "linewidth": 1.0}
        if chosen[line]:
            style = {"color": drawing.colour("student"), "alpha": 0.75, "linewidth": 1.4}
        crossings = [of_axis[line] for of_axis in heights]
        numbers = [math.nan if height is None else height for height in crossings]
        axes.plot(range(len(coordinates)), numbers, marker="o", markersize=3, **style)
    for index, coordinate in enumerate(coordinates):
        _draw_axis(axes, index, coordinate)
    axes.set_xlim(-0.45, len(coordinates) - 0.7)
    axes.set_ylim(-0.06, 1.1)
    axes.set_xticks(range(len(coordinates)), [_break(c.name) for c in coordinates])
    axes.set_yticks([])
    drawing.tidy_axes(axes, grid="")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _draw_axis(axes, index, coordinate):
    axes.axvline(index, color=drawing.colour("grid"), linewidth=0.8, zorder=0)
    marks = {}
    for value, height in zip(coordinate.values, coordinate.heights, strict=True):
        if height is not None:
            marks[height] = value
    places = sorted(marks)
    if len(places) > _MOST_TICKS:
        places = [places[0], places[-1]]
    for place in places:
        axes.annotate(
            _write(marks[place]),
            (index, place),
            (-4, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=9,
            color=drawing.colour("ink"),
        )


def _write(value):
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return drawing.shorten(text, 12)


def _break(name):
    """A name in short lines."""
    return name.replace(" ", "\n")
