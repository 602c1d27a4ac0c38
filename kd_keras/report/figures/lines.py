"""Lines over the epochs: errors, losses, rates, shares."""

import dataclasses

from matplotlib import ticker

from kd_keras.report import drawing

__all__ = ["Line", "draw_lines"]

_MARKED_EPOCHS = 12  # with more, markers hide the line


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the figure.

    Attributes:
        label: Its name in the legend.
        colour: Name of its colour.
        epochs: Shape (n,).
        values: Shape (n,).
        band: Lowest and highest values, each of shape (n,), or None.
        dashed: Whether the line is broken.
    """

    label: str
    colour: str
    epochs: tuple
    values: tuple
    band: tuple | None = None
    dashed: bool = False


@drawing.as_svg
def draw_lines(lines, *, y_label, reference=None, percent=False):
    """Draw lines over the epochs, with a legend above them.

    Args:
        lines: `Line`s.
        y_label: What is drawn, with its unit.
        reference: A value to compare with and its name, drawn as a dotted line, or None.
        percent: Whether the axis runs from 0 to 100.

    Returns:
        The SVG.
    """
    entries = len(lines) + (reference is not None)
    figure = drawing.new_figure(height=205 + 16 * entries)
    axes = figure.subplots()
    handles, labels = [], []
    for line in lines:
        handles.append(_draw(axes, line))
        labels.append(drawing.shorten(line.label))
    if reference is not None:
        value, name = reference
        handles.append(axes.axhline(value, color=drawing.colour("muted"), linestyle=":"))
        labels.append(drawing.shorten(name))
    drawing.tidy_axes(axes)
    axes.set_xlabel("epoch")
    axes.set_ylabel(y_label)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    if percent:
        axes.set_ylim(-3, 103)
    figure.legend(
        handles, labels, loc="outside upper left", fontsize=10, labelcolor=drawing.colour("ink")
    )
    return figure


def _draw(axes, line):
    colour = drawing.colour(line.colour)
    if line.band is not None:
        axes.fill_between(line.epochs, *line.band, color=colour, alpha=0.18, linewidth=0)
    [drawn] = axes.plot(
        line.epochs,
        line.values,
        color=colour,
        linestyle="--" if line.dashed else "-",
        marker="o" if len(line.epochs) <= _MARKED_EPOCHS else "",
    )
    return drawn
