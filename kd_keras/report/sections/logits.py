"""Histograms of one class's logit: what the student took over (Figure 6 of the paper)."""

import math

from kd_keras import metrics
from kd_keras.report import figures, palette
from kd_keras.report.layout import Drawing, Figure, Section

__all__ = ["describe"]


def describe(content):
    """The logit of one class over its images and over the others, network above network."""
    if content.judged is None:
        return None
    name = content.class_names[content.class_index]
    is_class = content.judged.labels == content.class_index
    colours = palette.assign_colours(content.contenders)
    histograms = []
    for opinion in content.judged.opinions:
        logits = opinion.logits[:, content.class_index]
        histograms.append(
            figures.Histogram(
                label=opinion.label,
                colour=colours[opinion.label],
                of_class=logits[is_class],
                of_others=logits[~is_class],
            )
        )
    drawing = Drawing(
        name="logits",
        svg=figures.draw_histograms(histograms, class_name=name),
        description="; ".join(_spread(histogram, name) for histogram in histograms) + ".",
    )
    return Section(
        name="logits",
        heading=f"The logit of {name}",
        paragraphs=(
            f"A network gives a number for each class, its logit; the highest wins. Shown is "
            f"{name}, {content.class_reason}.",
            *_tell_apart(content),
        ),
        figures=(Figure(drawings=(drawing,), caption=_caption(content, name, is_class.sum())),),
    )


def _tell_apart(content):
    """Whether the other networks' logits, of all classes, can be told from the teacher's."""
    teacher = content.opinion(role="teacher")
    count = min(len(content.judged.labels), metrics.MOST_EXAMPLES)
    if teacher is None or count < metrics.LEAST_EXAMPLES:
        return
    rates = [
        f"{metrics.origin_accuracy(teacher.logits, opinion.logits):.1f}% of cases for "
        f"{opinion.label}"
        for opinion in content.judged.opinions
        if opinion is not teacher
    ]
    if rates:
        yield (
            "Can a network's logits be told from the teacher's? A judge, a small network that was "
            f"taught with the logits of half of {count:,} {content.judged.split} images (the mean "
            "of each image's taken off), says of the other half whose they are: it is right in "
            f"{' and in '.join(rates)}. Guessing gives 50%, within {_guessing_points(count):.1f} "
            "points; near that, a discriminator has nothing left to teach."
        )


def _guessing_points(count):
    """Half of a 95% interval around 50%, of a judge that guesses once for each image."""
    return 1.96 * 50 / math.sqrt(count)


def _spread(histogram, name):
    if not len(histogram.of_class) or not len(histogram.of_others):
        return f"{histogram.label}: no images to compare"
    return (
        f"{histogram.label}: mean logit {histogram.of_class.mean():.1f} on images of {name}, "
        f"{histogram.of_others.mean():.1f} on the others"
    )


def _caption(content, name, count):
    caption = (
        f"The logit of {name} over {count:,} {content.judged.split} images of {name} (coloured) "
        f"and {len(content.judged.labels) - count:,} of all other classes (grey); each group's "
        "bars add up to 100%, and the numbers are mean ± standard deviation. Where the two "
        "overlap, the network confuses. "
    )
    if len(content.judged.opinions) > 1:
        caption += (
            "A student that has learned from the teacher's logits spreads them as the teacher "
            "does; one trained on labels alone need not. "
        )
    return caption + (
        "The height of one class's logit alone does not decide an answer: what counts is how it "
        "compares with the other classes' on the same image."
    )
