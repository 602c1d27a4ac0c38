"""A search's result: which student to take, the front, and who dominates whom."""

from kd_keras.report import figures
from kd_keras.report.layout import Drawing, Figure, Section, Table

__all__ = ["describe"]

_SIZE = ("student.network", "student.depth", "student.width")
_Y_LABEL = "validation error in %"


def describe(content):
    """The front of a search; None on another page."""
    searched = content.search
    if searched is None:
        return None
    return Section(
        name="front",
        heading="Which student to take",
        paragraphs=searched.sentences,
        figures=tuple(_figures(searched)),
        tables=tuple(_tables(searched)),
    )


def _figures(searched):
    if not searched.timed:
        return
    points = [
        figures.FrontPoint(
            label=one.label,
            milliseconds=one.latency_milliseconds,
            range_milliseconds=one.latency_range,
            error_percent=one.validation_error_percent,
            size=one.size_bytes,
            on_front=one.rank == 0,
        )
        for one in searched.timed
    ]
    described = [
        f"{one.label} {one.validation_error_percent:.2f}% at {one.latency_milliseconds:.3g} ms"
        for one in searched.front
    ]
    drawing = Drawing(
        name="front",
        svg=figures.draw_front(points, y_label=_Y_LABEL),
        description=f"The front, from the quickest to the best: {'; '.join(described)}.",
    )
    yield Figure(drawings=(drawing,), caption=_caption(searched))


def _caption(searched):
    caption = (
        "Each mark is a student: the further left the quicker, the lower the better; its area "
        "grows with its file. The line is the front: for a student on it there is none that is "
        "quicker and has no more errors. Those in grey are beaten by one on the line. The time "
        "axis is logarithmic; a bar through a mark goes from the lowest to the highest of "
        "repeated measurements."
    )
    if searched.hypervolume is not None:
        error, milliseconds = searched.reference
        caption += (
            f" The front's hypervolume, what it covers up to {error:.2f}% and "
            f"{milliseconds:.3g} ms, the worst of this search, is {searched.hypervolume:.4g} "
            "points times milliseconds. Another search has a worst of its own: only where that is "
            "the same do the two figures compare."
        )
    return f"{caption} {searched.timing}".strip()


def _tables(searched):
    if searched.tried:
        caption = (
            "Every student, by rank: rank 0 is the front, rank 1 would be without it, and so on. "
            "Nothing was chosen by the test error."
        )
        yield Table(caption=caption, rows=tuple(_rows(searched)))
    if searched.unfinished:
        yield Table(
            caption=f"Trials without a result: {len(searched.unfinished)}.",
            rows=searched.unfinished,
            folded=True,
        )


def _rows(searched):
    last = len(searched.tried)
    order = sorted(
        searched.tried,
        key=lambda one: (last if one.rank is None else one.rank, one.validation_error_percent),
    )
    several = any(len(one.errors_percent) > 1 for one in order)
    others = _other_fields(searched)
    for one in order:
        row = {
            "student": one.label,
            **{name: _write(one.values.get(field)) for field, name in others.items()},
            "rank": one.rank,
            "beaten by": one.dominated_by,
            "validation error %": one.validation_error_percent,
            "test error %": one.test_error_percent,
            "ms per image": _write_time(one.latency_milliseconds),
            "ms, lowest to highest": _range(one.latency_range),
            "kB": None if one.size_bytes is None else round(one.size_bytes / 1000),
            "parameters": one.parameters,
            "multiply-adds": one.multiply_adds,
        }
        if one.peak_memory_bytes is not None:
            row["MB of memory"] = one.peak_memory_bytes / 1e6
        if several:
            row["seeds"] = len(one.errors_percent)
        yield row


def _other_fields(searched):
    """By field the heading of what differs between students beside their size."""
    fields = dict.fromkeys(field for one in searched.tried for field in one.values)
    return {
        field: field.rpartition(".")[2].replace("_", " ")
        for field in fields
        if field not in _SIZE and len({_write(one.values.get(field)) for one in searched.tried}) > 1
    }


def _write(value):
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _write_time(milliseconds):
    return None if milliseconds is None else f"{milliseconds:.3f}"


def _range(limits):
    return None if limits is None else f"{limits[0]:.3g} to {limits[1]:.3g}"
