"""The reliability diagram: how often a network is right against how sure it is."""

from kd_keras.report import drawing

__all__ = ["draw_reliability"]


@drawing.as_svg
def draw_reliability(bins, *, label, error, colour):
    """Draw a dot for each bin of confidence, the larger the more images it has, and their shares.

    Args:
        bins: `metrics.CalibrationBins`.
        label: The network's name.
        error: Its expected calibration error in percent.
        colour: Name of its colour.

    Returns:
        The SVG.
    """
    figure = drawing.new_figure(height=300)
    above, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    filled = bins.counts > 0
    confidence, accuracy = 100 * bins.confidence[filled], 100 * bins.accuracy[filled]
    above.plot([0, 100], [0, 100], ":", color=drawing.colour("muted"))
    above.vlines(confidence, confidence, accuracy, color=drawing.colour(colour), alpha=0.5)
    areas = 12 + 160 * bins.counts[filled] / bins.counts.sum()
    above.scatter(confidence, accuracy, s=areas, color=drawing.colour(colour), clip_on=False)
    above.set_ylim(-3, 103)
    above.set_ylabel("right in %")
    title = f"{drawing.shorten(label, 36)}, ECE {error:.2f}%"
    above.set_title(title, loc="left", fontsize=10, color=drawing.colour("ink"))
    share = 100 * bins.counts / bins.counts.sum()
    below.stairs(share, 100 * bins.edges, fill=True, color=drawing.colour(colour), alpha=0.5)
    below.set_ylabel("images\nin %")
    below.set_xlabel("probability of the answer, in %")
    below.set_xlim(0, 100)
    for axes in (above, below):
        drawing.tidy_axes(axes)
    return figure
