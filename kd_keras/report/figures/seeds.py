"""The errors of every run of a comparison, one row a method."""

import statistics

from kd_keras.report import drawing

__all__ = ["draw_seeds"]


@drawing.as_svg
def draw_seeds(rows, *, teacher_error=None, x_label):
    """Draw a dot for each run and a bar at their median, under the name of the method.

    Args:
        rows: (label, name of a colour, errors in percent), the first on top. There may be no
            errors.
        teacher_error: In percent, drawn as a dashed line, or None.
        x_label: What the errors are of.

    Returns:
        The SVG.
    """
    figure = drawing.new_figure(height=70 + 34 * len(rows))
    axes = figure.subplots()
    for row, (label, colour_name, errors) in enumerate(rows):
        colour = drawing.colour(colour_name)
        axes.plot(errors, [row] * len(errors), "o", color=colour, alpha=0.55, markeredgewidth=0)
        text = drawing.shorten(label)
        if errors:
            median = statistics.median(errors)
            axes.vlines(median, row - 0.17, row + 0.17, color=colour, linewidth=2.5)
            text += f"  {median:.2f}"
        axes.annotate(
            text,
            (0, row - 0.42),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=drawing.colour("ink"),
        )
    if teacher_error is not None:
        colour = drawing.colour("teacher")
        bottoms = [row + 0.3 for row in range(len(rows))]  # beside the dots, not through the names
        tops = [row - 0.2 for row in range(len(rows))]
        axes.vlines(
            [teacher_error] * len(rows), bottoms, tops, color=colour, linestyle="--", linewidth=1.4
        )
        axes.set_title(
            f"dashed: the teacher, {teacher_error:.2f}", loc="left", fontsize=10, color=colour
        )
    axes.set_ylim(len(rows) - 0.5, -0.75)
    axes.set_yticks([])
    axes.margins(x=0.12)
    drawing.tidy_axes(axes, grid="x")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(x_label)
    return figure
