"""Histograms of one class's logit, network above network: Figure 6 of the paper."""

import dataclasses

import numpy as np

from kd_keras.report import drawing

__all__ = ["Histogram", "draw_histograms"]

_NUM_BINS = 48


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Histogram:
    """One network's panel.

    Attributes:
        label: The network's name.
        colour: Name of its colour.
        of_class: The class's logit on the images of the class, shape (n,).
        of_others: The same logit on all other images, shape (m,).
    """

    label: str
    colour: str
    of_class: np.ndarray
    of_others: np.ndarray


@drawing.as_svg
def draw_histograms(histograms, *, class_name):
    """Draw the panels over one axis.

    Each group's bars add up to 100%, so that the class is seen though the others are many more.

    Args:
        histograms: `Histogram`s, the first on top.
        class_name: The class whose logit it is.

    Returns:
        The SVG.
    """
    everything = np.concatenate([part for h in histograms for part in (h.of_class, h.of_others)])
    edges = np.histogram_bin_edges(everything, bins=_NUM_BINS)
    figure = drawing.new_figure(height=42 + 116 * len(histograms))
    panels = figure.subplots(len(histograms), sharex=True, squeeze=False)[:, 0]
    for axes, histogram in zip(panels, histograms, strict=True):
        _draw_panel(axes, histogram, edges, class_name)
    panels[-1].set_xlabel(f"logit of {drawing.shorten(class_name, 36)}, no unit")
    return figure


def _draw_panel(axes, histogram, edges, class_name):
    groups = (
        ("other classes", "muted", histogram.of_others),
        (f"images of {class_name}", histogram.colour, histogram.of_class),
    )
    title = []
    for name, colour_name, logits in groups:
        share = 100 * np.histogram(logits, edges)[0] / max(1, len(logits))
        colour = drawing.colour(colour_name)
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.35)
        axes.stairs(share, edges, color=colour, linewidth=1.2)
        if len(logits):
            title.append(f"{drawing.shorten(name, 22)}: {logits.mean():.1f} ± {logits.std():.1f}")
    drawing.tidy_axes(axes)
    axes.set_ylabel("images in %")
    axes.set_title(
        f"{drawing.shorten(histogram.label, 40)}\n{', '.join(reversed(title))}",
        loc="left",
        fontsize=10,
        color=drawing.colour("ink"),
    )
