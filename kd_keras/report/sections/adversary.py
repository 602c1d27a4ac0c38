"""What the discriminator does over time: how often it is right, and how much it teaches."""

from kd_keras.report import figures
from kd_keras.report.layout import Drawing, Figure, Section
from kd_keras.report.sections.training import mean_line

__all__ = ["describe"]

_SHARE = "gradient_share_"
_SHARE_COLOURS = ("control", "student", "series_2", "series_3", "series_4", "series_5")
_WORDS = {"supervised": "labels", "adversarial": "learned loss"}


def describe(content):
    """The discriminator's verdicts by epoch, of the subject or the first that has one."""
    subject = content.contender(label=content.subject)
    like_it = [c for c in content.contenders if subject and c.network == subject.network]
    candidates = [subject, *like_it, *content.contenders]
    contender = next((c for c in candidates if c and c.discriminator_history), None)
    if contender is None:
        return None
    history = contender.discriminator_history
    found = [_verdicts(history, len(content.class_names)), _shares(history)]
    paragraphs = (
        "The discriminator sees logits and says whether they are the teacher's (real) or the "
        "student's (fake), and of which class the image is. The student is paid for being taken "
        "for the teacher.",
    )
    if content.comparison:
        paragraphs += (f"Shown is one run of {contender.label}.",)
    return Section(
        name="discriminator",
        heading="What the discriminator does",
        paragraphs=paragraphs,
        figures=tuple(filter(None, found)),
    )


def _percent(value):
    return 100 * value


def _rate_lines(history, verdict):
    for role in ("teacher", "student"):
        column, label = f"discriminator_{role}_{verdict}", f"on the {role}'s logits"
        yield mean_line([history], column, scale=_percent, label=label, colour=role)


def _rates(history, verdict, *, name, y_label, reference):
    lines = [line for line in _rate_lines(history, verdict) if line]
    ends = ", ".join(f"{line.values[-1]:.0f}% {line.label}" for line in lines)
    return Drawing(
        name=name,
        svg=figures.draw_lines(lines, y_label=y_label, reference=reference, percent=True),
        description=f"{y_label} in the last epoch: {ends}.",
    )


def _verdicts(history, num_classes):
    guess = 100 / num_classes
    origin = _rates(
        history,
        "accuracy",
        name="discriminator_origin",
        y_label="right on the origin in %",
        reference=(50, "guessing, 50%"),
    )
    classes = _rates(
        history,
        "class_accuracy",
        name="discriminator_class",
        y_label="right on the class in %",
        reference=(guess, f"guessing, {guess:.0f}%"),
    )
    return Figure(
        drawings=(origin, classes),
        caption=(
            "How often the discriminator is right about where logits come from, and about the "
            "class. On the origin: where the two rates add up to about 100%, it guesses, which is "
            "where the game is meant to end; both near 100%, it has won, and the learned loss "
            "teaches little; one near 100% and the other near 0%, it says the same of all. The "
            "rates are counted in training, with dropout: they say nothing of test images."
        ),
    )


def _shares(history):
    columns = [name for name in history[0] if name.startswith(_SHARE)]
    if not columns:
        return None
    lines = []
    for index, column in enumerate(columns):
        term = column.removeprefix(_SHARE)
        label = _WORDS.get(term, term)
        colour = _SHARE_COLOURS[index % len(_SHARE_COLOURS)]
        line = mean_line([history], column, scale=_percent, label=label, colour=colour)
        lines.append(line)
    ends = ", ".join(f"{line.label} {line.values[-1]:.0f}%" for line in lines)
    drawing = Drawing(
        name="gradient_shares",
        svg=figures.draw_lines(lines, y_label="share of the gradient in %", percent=True),
        description=f"Shares of the gradient in the last epoch: {ends}.",
    )
    return Figure(
        drawings=(drawing,),
        caption=(
            "How strongly each term pulls at the student's logits, as a share of all terms' "
            "pulls; they add up to 100%. A share near 0% means that the term changes nothing. It "
            "says how hard a term pulls, not whether in a good direction."
        ),
    )
