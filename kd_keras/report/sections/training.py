"""The curves of training: errors by epoch, and the discriminator's loss (Figure 4 of the paper)."""

import dataclasses
import math
import statistics

from kd_keras.report import figures, palette
from kd_keras.report.layout import Drawing, Figure, Section

__all__ = ["describe", "mean_line"]

_EPOCHS_WITHOUT_ZOOM = 4  # fewer in the second half are not drawn again
_PROBABILISTIC = ("minimax", "non_saturating")  # games whose loss is in nats


def describe(content):
    """Errors over the epochs, and below them the discriminator's loss."""
    shown = _choose(content)
    if not any(c.histories for c in shown):
        return None
    colours = palette.assign_colours(content.contenders)
    found = [_error_figure(shown, colours), *_loss_figures(content, shown, colours)]
    paragraphs = ()
    if len(shown) < len([c for c in content.contenders if c.role != "teacher"]):
        paragraphs = (f"Of the many students, those with the network {shown[0].network}.",)
    return Section(
        name="training",
        heading="Training",
        paragraphs=paragraphs,
        figures=tuple(filter(None, found)),
    )


def _choose(content):
    """Whose curves are shown: the students', of many those with the subject's network."""
    subject = content.contender(label=content.subject)
    # A teacher learns over other epochs; its curve has a page of its own.
    shown = [c for c in content.contenders if c is subject or c.role != "teacher"]
    if len(shown) > len(palette.SERIES) and subject is not None:
        shown = [c for c in shown if c.network == subject.network]
    return shown


def mean_line(histories, column, *, scale=None, **style):
    """The mean over runs of a column, epoch by epoch, with a band from the lowest to the highest.

    Args:
        histories: Of each run.
        column: Name of the column.
        scale: Function of a value, or None.
        **style: Of the `figures.Line`: label, colour, dashed.

    Returns:
        The `figures.Line`, or None where no run has the column.

    Example:
        >>> runs = [[{"epoch": 1, "loss": 2.0}], [{"epoch": 1, "loss": 4.0}]]
        >>> line = mean_line(runs, "loss", label="a", colour="student")
        >>> line.values, line.band
        ((3.0,), ((2.0,), (4.0,)))
    """
    values = {}
    for history in histories:
        for row in history:
            if column in row:
                value = scale(row[column]) if scale else row[column]
                values.setdefault(int(row["epoch"]), []).append(value)
    if not values:
        return None
    epochs = tuple(sorted(values))
    band = None
    if max(map(len, values.values())) > 1:
        band = tuple(tuple(limit(values[epoch]) for epoch in epochs) for limit in (min, max))
    means = tuple(statistics.fmean(values[epoch]) for epoch in epochs)
    return figures.Line(epochs=epochs, values=means, band=band, **style)


def _to_error(accuracy):
    return 100 * (1 - accuracy)


def _error_lines(contender, colour, columns):
    for column, name, dashed in columns:
        label = f"{contender.label}{name}"
        yield mean_line(
            contender.histories, column, scale=_to_error, label=label, colour=colour, dashed=dashed
        )


def _error_figure(shown, colours):
    """One drawing of both errors for few students, one of each for many."""
    validation = ("val_accuracy", ", validation", False)
    train = ("accuracy", ", training", True)
    groups = {"errors_by_epoch": ((validation, train), "error in %")}
    if len(shown) > 2:
        groups = {
            "validation_error": ((("val_accuracy", "", False),), "validation error in %"),
            "training_error": ((("accuracy", "", False),), "training error in %"),
        }
    drawings = []
    for name, (columns, y_label) in groups.items():
        lines = [line for c in shown for line in _error_lines(c, colours[c.label], columns) if line]
        if lines:
            ends = [f"{line.label} ends at {line.values[-1]:.2f}%" for line in lines]
            svg = figures.draw_lines(lines, y_label=y_label)
            description = f"Error by epoch: {'; '.join(ends)}."
            drawings.append(Drawing(name=name, svg=svg, description=description))
            if name != "training_error":
                drawings += _second_half(name, lines, y_label)
    if not drawings:
        return None
    return Figure(drawings=tuple(drawings), caption=_caption(shown))


def _second_half(name, lines, y_label):
    """The same where the errors are small, which the first epochs would press together."""
    middle = max(line.epochs[-1] for line in lines) // 2
    if middle < _EPOCHS_WITHOUT_ZOOM:
        return
    late = [_after(line, middle) for line in lines if line.epochs[-1] > middle]
    yield Drawing(
        name=f"{name}_late",
        svg=figures.draw_lines(late, y_label=y_label),
        description=f"The same after epoch {middle}.",
    )


def _after(line, epoch):
    start = next(index for index, value in enumerate(line.epochs) if value > epoch)
    band = line.band and tuple(limit[start:] for limit in line.band)
    return dataclasses.replace(
        line, epochs=line.epochs[start:], values=line.values[start:], band=band
    )


def _caption(shown):
    caption = (
        "Share of wrong answers after each epoch, one pass over the training images. The "
        "validation error is that on images that were not trained on; the training error is "
        "taken while the network still changes, on shifted and mirrored images, and can "
        "therefore lie above it. A gap that grows between the two is overfitting."
    )
    if any(len(h) // 2 >= _EPOCHS_WITHOUT_ZOOM for c in shown for h in c.histories):
        caption += " Of long runs the second half is drawn once more, larger."
    if any(len(c.histories) > 1 for c in shown):
        caption += " Lines are means over the seeds, bands go from the lowest to the highest."
    return caption


def _loss_figures(content, shown, colours):
    adversarial = [c for c in shown if c.discriminator_history]
    if not adversarial:
        return
    lines = [
        mean_line(c.histories, "discriminator_loss", label=c.label, colour=colours[c.label])
        for c in adversarial
    ]
    first = adversarial[0]
    in_nats = all(c.game in _PROBABILISTIC for c in adversarial)
    chance, reference = None, None
    if in_nats and len({c.label_weight for c in adversarial}) == 1:
        chance = 2 * math.log(2) + 2 * first.label_weight * math.log(len(content.class_names))
        reference = (chance, f"a discriminator that guesses, {chance:.2f}")
    drawing = Drawing(
        name="discriminator_loss",
        svg=figures.draw_lines(
            lines,
            y_label="discriminator's loss" + (" in nats" if in_nats else ""),
            reference=reference,
        ),
        description="; ".join(
            f"Discriminator's loss of {line.label}: from {line.values[0]:.2f} to "
            f"{line.values[-1]:.2f}"
            for line in lines
        )
        + ".",
    )
    yield Figure(drawings=(drawing,), caption=_loss_caption(chance))


def _loss_caption(chance):
    caption = (
        "The discriminator's loss, as the paper's Figure 4 plots it: the sum of its errors on the "
        "origin (teacher or student) and on the class, not halved. "
    )
    if chance is not None:
        caption += (
            f"The dotted line, {chance:.2f}, is 2 ln 2 for the origin and twice the logarithm of "
            "the number of classes: what guessing costs. Falling from there is the classes being "
            f"learned; {2 * math.log(2):.2f} of it, the origin's part, stays where teacher and "
            "student cannot be told apart. "
        )
    return caption + "A low loss is not a good student: see what the discriminator does below."
