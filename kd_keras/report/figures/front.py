"""The front: error against time, and which students no other beats in both."""

import dataclasses
import math

from kd_keras.report import drawing

__all__ = ["FrontPoint", "draw_front"]

_AREAS = (18, 200)  # square points, of the smallest and the largest student
_LETTER = 5.6  # points that a letter of a name is wide


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrontPoint:
    """A student on the figure.

    Attributes:
        label: Its name.
        milliseconds: Time for one image, above 0.
        range_milliseconds: The lowest and the highest of repeated measurements, or None.
        error_percent: Its error.
        size: What its mark's area stands for, or None.
        on_front: Whether no other is better in both.
    """

    label: str
    milliseconds: float
    range_milliseconds: tuple | None
    error_percent: float
    size: float | None
    on_front: bool


@drawing.as_svg
def draw_front(points, *, y_label):
    """Draw the students over their time, on a logarithmic axis, and the line of the front.

    What lies above and to the right of the line is beaten by a student on it.

    Args:
        points: `FrontPoint`s.
        y_label: What the errors are of, with the unit.

    Returns:
        The SVG.
    """
    figure = drawing.new_figure(height=300)
    axes = figure.subplots()
    areas = _scale_areas([point.size for point in points])
    for group, colour, opacity in ((False, "muted", 0.45), (True, "student", 1.0)):
        members = [(p, area) for p, area in zip(points, areas, strict=True) if p.on_front is group]
        _draw_points(axes, members, drawing.colour(colour), opacity)
    front = sorted((p for p in points if p.on_front), key=lambda p: p.milliseconds)
    axes.step(
        [p.milliseconds for p in front],
        [p.error_percent for p in front],
        where="post",
        color=drawing.colour("student"),
        linewidth=1.2,
        alpha=0.7,
    )
    axes.set_xscale("log")
    axes.margins(x=0.14, y=0.14)
    drawing.tidy_axes(axes, grid="both")
    drawing.write_logarithmic_ticks(axes.xaxis, [point.milliseconds for point in points])
    axes.set_xlabel("ms for one image")
    axes.set_ylabel(y_label)
    _write_names(axes, front)
    return figure


def _scale_areas(sizes):
    """Areas in proportion to the sizes' square roots, between those of `_AREAS`."""
    roots = [None if size is None else math.sqrt(size) for size in sizes]
    known = [root for root in roots if root is not None]
    low, extent = min(known, default=0.0), max(known, default=0.0) - min(known, default=0.0)
    smallest, largest = _AREAS
    return [
        smallest
        if root is None or extent == 0
        else smallest + (largest - smallest) * (root - low) / extent
        for root in roots
    ]


def _draw_points(axes, members, colour, opacity):
    for point, area in members:
        if point.range_milliseconds is not None:
            axes.hlines(point.error_percent, *point.range_milliseconds, color=colour, alpha=opacity)
        axes.scatter(
            point.milliseconds, point.error_percent, s=area, color=colour, alpha=opacity, zorder=3
        )


def _write_names(axes, front):
    """The names that there is room for, those of the quickest and the best first.

    They stand below and left of their points where they can: there the front leaves room, by its
    meaning.
    """
    axes.figure.draw_without_rendering()  # only now are the axes where they will be
    taken = []
    for point in [front[0], *reversed(front[1:])]:
        name = drawing.shorten(point.label, 22)
        width, height = _LETTER * len(name), 1.6 * _LETTER
        at = (point.milliseconds, point.error_percent)
        x, y = axes.transData.transform(at) * 72 / axes.figure.dpi
        for left, below in ((x - width - 6, y - 6), (x - 3, y - 9), (x + 6, y + 6 + height)):
            box = (left, below - height, left + width, below)
            if _is_free(box, taken, axes):
                taken.append(box)
                offset = (left - x, below - y)
                _write_name(axes, name, at, offset)
                break


def _is_free(box, taken, axes):
    low = axes.bbox.x0 * 72 / axes.figure.dpi
    high = axes.bbox.x1 * 72 / axes.figure.dpi
    if box[0] < low or box[2] > high:
        return False
    return all(
        box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]
        for other in taken
    )


def _write_name(axes, name, at, offset):
    axes.annotate(
        name,
        at,
        offset,
        textcoords="offset points",
        ha="left",
        va="top",
        fontsize=9,
        color=drawing.colour("ink"),
    )
