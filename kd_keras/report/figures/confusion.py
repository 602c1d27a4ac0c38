"""The confusion matrix as a picture."""

import matplotlib.colors
import numpy as np
from matplotlib.patches import Rectangle

from kd_keras.report import drawing

__all__ = ["draw_confusion"]

_CELL = 27  # points
_OPACITY = {"muted": 0.35, "control": 0.5}  # of the strongest cell; the number stays readable


@drawing.as_svg
def draw_confusion(matrix, *, class_names):
    """Draw how often the images of each class are taken for each.

    Mistakes are in colour, the darker the more; what is right is in grey.

    Args:
        matrix: Images by label (rows) and by answer (columns), shape (classes, classes).
        class_names: One per class.

    Returns:
        The SVG.
    """
    matrix = np.asarray(matrix, float)
    percent = 100 * matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    names = [drawing.shorten(name, 14) for name in class_names]
    margin = 30 + 6 * max(map(len, names))
    extent = margin + _CELL * len(names)
    figure = drawing.new_figure(height=extent, width=max(extent, 220))
    axes = figure.subplots()
    wrong = percent * (1 - np.eye(len(names)))
    for label, answer in np.ndindex(percent.shape):
        if label == answer:
            strength, colour = percent[label, label] / 100, "muted"
        else:
            strength, colour = wrong[label, answer] / max(1.0, wrong.max()), "control"
        _draw_cell(axes, (answer, label), percent[label, answer], colour, strength)
    axes.set_xlim(0, len(names))
    axes.set_ylim(len(names), 0)
    axes.set_aspect("equal")
    centres = np.arange(len(names)) + 0.5
    axes.set_xticks(centres, names, rotation=90)
    axes.set_yticks(centres, names)
    axes.set_xlabel("taken for")
    axes.set_ylabel("label")
    drawing.tidy_axes(axes, grid="")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _draw_cell(axes, corner, value, colour, strength):
    opacity = _OPACITY[colour] * strength
    face = matplotlib.colors.to_rgba(drawing.colour(colour), opacity)
    axes.add_patch(Rectangle(corner, 1, 1, facecolor=face, linewidth=0))
    text = f"{value:.0f}"
    if text != "0":
        axes.text(
            corner[0] + 0.5,
            corner[1] + 0.5,
            text,
            ha="center",
            va="center",
            fontsize=9,
            color=drawing.colour("ink"),
        )
