"""Whether the networks are as sure as they should be: reliability diagrams."""

from kd_keras import metrics
from kd_keras.report import figures, palette
from kd_keras.report.layout import Drawing, Figure, Section

__all__ = ["describe"]


def describe(content):
    """A reliability diagram for each network."""
    if content.judged is None:
        return None
    colours = palette.assign_colours(content.contenders)
    drawings = []
    for number, opinion in enumerate(content.judged.opinions):
        error = metrics.expected_calibration_error(opinion.logits, content.judged.labels)
        bins = metrics.calibration_bins(opinion.logits, content.judged.labels)
        svg = figures.draw_reliability(
            bins, label=opinion.label, error=error, colour=colours[opinion.label]
        )
        description = f"{opinion.label}: expected calibration error {error:.2f}%."
        drawings.append(Drawing(name=f"reliability_{number + 1}", svg=svg, description=description))
    return Section(
        name="calibration",
        heading="Certainty",
        figures=(
            Figure(
                drawings=tuple(drawings),
                caption=(
                    "Images are put together by the probability that the network gives its "
                    "answer; each dot shows how many of them it got right. On the dotted line a "
                    "network that says 80% is right in 80% of the cases; below it, it is too "
                    "sure, above it, too modest. ECE is the mean distance from the line, weighted "
                    "with the number of images, which the bars below show: a small dot over a low "
                    "bar rests on few images and says little."
                ),
            ),
        ),
    )
