"""Error against size or time, over networks: Figure 5 of the paper."""

import dataclasses
import math
import statistics

from matplotlib import transforms

from kd_keras.report import drawing

__all__ = ["Point", "draw_sizes"]

_ALIGNMENTS = ("left", "center", "right")
_SHIFT = 4  # points


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    """A network on the figure.

    Attributes:
        line: Name of the line it belongs to.
        colour: Name of the line's colour.
        network: The network's name, written beside the point.
        size: Where it stands on the horizontal axis, above 0.
        errors_percent: Of its runs, at least one.
    """

    line: str
    colour: str
    network: str
    size: float
    errors_percent: tuple


@drawing.as_svg
def draw_sizes(points, *, x_label):
    """Draw the median error of each network over its size, on a logarithmic axis.

    The bar through a point goes from the best run to the worst.

    Args:
        points: `Point`s. Those of one line are joined, in the order of their sizes.
        x_label: What the size is, with its unit.

    Returns:
        The SVG.
    """
    lines = {}
    for point in sorted(points, key=lambda point: point.size):
        lines.setdefault(point.line, []).append(point)
    figure = drawing.new_figure(height=215 + 16 * len(lines))
    axes = figure.subplots()
    middle = (len(lines) - 1) / 2
    handles = [
        _draw_line(axes, members, shift=_SHIFT * (number - middle))
        for number, members in enumerate(lines.values())
    ]
    _write_names(axes, points)
    axes.set_xscale("log")
    axes.margins(x=0.16, y=0.14)
    drawing.tidy_axes(axes, grid="both")
    drawing.write_logarithmic_ticks(axes.xaxis, [point.size for point in points])
    axes.set_xlabel(x_label)
    axes.set_ylabel("error in %")
    figure.legend(
        handles,
        [drawing.shorten(name) for name in lines],
        loc="outside upper left",
        fontsize=10,
        labelcolor=drawing.colour("ink"),
    )
    return figure


def _draw_line(axes, points, *, shift):
    """The line and its bars, moved sideways by so many points that bars do not hide each other."""
    medians = [statistics.median(point.errors_percent) for point in points]
    spread = [
        [m - min(p.errors_percent) for p, m in zip(points, medians, strict=True)],
        [max(p.errors_percent) - m for p, m in zip(points, medians, strict=True)],
    ]
    sizes, colour = [point.size for point in points], drawing.colour(points[0].colour)
    bars = axes.errorbar(
        sizes, medians, yerr=spread, fmt="none", ecolor=colour, capsize=3, elinewidth=1
    )
    [drawn] = axes.plot(sizes, medians, color=colour, marker="o")
    # Only now: what is drawn with a transform of its own does not count for the axes' limits.
    moved = transforms.offset_copy(axes.transData, axes.figure, shift, units="points")
    for artist in (drawn, *bars.get_children()):
        artist.set_transform(moved)
    return drawn


def _write_names(axes, points):
    """Each network's name once, at its highest point."""
    highest = {}
    for point in points:
        error = max(point.errors_percent)
        key = (point.network, point.size)
        highest[key] = max(error, highest.get(key, error))
    sizes = [math.log(point.size) for point in points]
    for (network, size), error in highest.items():
        place = (math.log(size) - min(sizes)) / max(max(sizes) - min(sizes), 1e-9)
        axes.annotate(
            drawing.shorten(network, 18),
            (size, error),
            (0, 7),
            textcoords="offset points",
            ha=_ALIGNMENTS[min(2, int(3 * place))],  # within the axes
            fontsize=9,
            color=drawing.colour("muted"),
        )
