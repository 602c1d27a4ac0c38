"""The few figures at the head of the page."""

import statistics

__all__ = ["describe_tiles"]


def describe_tiles(content):
    """The errors of the subject, the control and the teacher, and how small the subject is.

    Of a search: how many students, how many on the front, the lowest error, the shortest time.

    Args:
        content: A `Content`.

    Returns:
        Pairs of a value with its unit and what it is; none where nothing is finished.
    """
    if content.search is not None:
        return list(_of_search(content.search))
    subject = content.contender(label=content.subject)
    control, teacher = content.contender(label=content.control), content.contender(role="teacher")
    shown = list(dict.fromkeys(c for c in (subject, control, teacher) if c))
    words = "median error, " if content.comparison else "error of the "
    tiles = [
        (f"{statistics.median(c.errors_percent):.2f}%", f"{words}{c.label}")
        for c in shown
        if c.errors_percent
    ]
    if subject and teacher and subject is not teacher:
        sizes = subject.size("parameters"), teacher.size("parameters")
        if all(sizes):
            tiles.append((f"{100 * sizes[0] / sizes[1]:.1f}%", "of the teacher's parameters"))
    return tiles


def _of_search(searched):
    if not searched.tried:
        return
    yield str(len(searched.tried)), "students trained"
    best = min(searched.tried, key=lambda one: one.validation_error_percent)
    yield f"{best.validation_error_percent:.2f}%", f"lowest validation error, {best.label}"
    if searched.timed:
        quickest = searched.timed[0]
        yield f"{quickest.latency_milliseconds:.3g} ms", f"shortest time, {quickest.label}"
        yield str(len(searched.front)), "students on the front"
