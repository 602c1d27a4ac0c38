"""Error against size and time over networks (Figure 5 of the paper)."""

import itertools

from kd_keras.report import figures, palette
from kd_keras.report.layout import Drawing, Figure, Section

__all__ = ["describe"]

_AXES = (
    ("multiply_adds", "multiply-adds for one image"),
    ("parameters", "parameters"),
    ("latency_milliseconds", "time for one image in ms"),
)


def describe(content):
    """Error over multiply-adds, parameters and time, where there are networks of several sizes."""
    contenders = [c for c in content.contenders if c.errors_percent]
    drawings = tuple(filter(None, (_draw(contenders, *axis) for axis in _AXES)))
    if not drawings:
        return None
    return Section(
        name="sizes",
        heading="Error against size and time",
        paragraphs=tuple(_sentences(content)),
        figures=(Figure(drawings=drawings, caption=_caption(content)),),
    )


def _draw(contenders, quantity, x_label):
    placed = [(c, _measure(c, quantity)) for c in contenders]
    placed = [(contender, size) for contender, size in placed if size]
    if len({size for _, size in placed}) < 2:
        return None
    names = _line_names([contender for contender, _ in placed])
    colours = palette.assign_colours(contenders)
    first = {names[c.label]: colours[c.label] for c, _ in reversed(placed)}
    points = [
        figures.Point(
            line=names[c.label],
            colour=first[names[c.label]],
            network=c.network,
            size=size,
            errors_percent=c.errors_percent,
        )
        for c, size in placed
    ]
    described = [f"{c.label} at {size:,.{0 if size >= 100 else 2}f}" for c, size in placed]
    return Drawing(
        name=f"error_over_{quantity}",
        svg=figures.draw_sizes(points, x_label=x_label),
        description=f"Error over {x_label}: {', '.join(described)}.",
    )


def _measure(contender, quantity):
    if quantity == "latency_milliseconds":
        return contender.latency_milliseconds
    return contender.size(quantity)


def _line_names(contenders):
    """By label: one line for the networks of one recipe, else the contender's own."""
    groups = {}
    for contender in contenders:
        groups.setdefault((contender.role, contender.recipe), []).append(contender)
    names = {}
    for members in groups.values():
        several = len({member.network for member in members}) > 1
        name = _common_words([member.label for member in members]) if several else ""
        name = name or (members[0].method if several else "")
        if name in names.values():
            name = f"{name}, as {members[0].label}"  # the methods differ in a setting
        names |= {member.label: name or member.label for member in members}
    return names


def _common_words(labels):
    """The words at the end that all labels have in common, or else those at the start."""
    words = [label.split() for label in labels]
    end = _common_start([parts[::-1] for parts in words])[::-1]
    return " ".join(end or _common_start(words))


def _common_start(lists):
    together = zip(*lists, strict=False)
    same = itertools.takewhile(lambda entries: len(set(entries)) == 1, together)
    return [first for first, *_ in same]


def _sentences(content):
    teacher, student = content.contender(role="teacher"), content.contender(label=content.subject)
    if teacher is None or student is None or student is teacher:
        return
    parts = []
    for quantity, words in zip(
        [quantity for quantity, _ in _AXES], ("multiply-adds", "parameters", "time"), strict=True
    ):
        pair = _measure(teacher, quantity), _measure(student, quantity)
        if all(pair):
            parts.append(f"{100 * pair[1] / pair[0]:.1f}% of the teacher's {words}")
    if parts:
        yield f"{student.label[0].upper()}{student.label[1:]}: {', '.join(parts)}."


def _caption(content):
    caption = (
        "Each point is a network: the further left the smaller or faster, the lower the better. "
        "The bar through a point goes from the best run to the worst; the horizontal axis is "
        "logarithmic. Points of one network stand above one another, a little "
        "apart so that bars do not hide each other. "
    )
    if content.timing:
        caption += f"{content.timing} Another machine gives other times; compare their ratios."
    return caption
