"""Other ways to the same time: the exported files of several runs, by their time for one image.

The times are of one session on one machine; the errors are of the same images.
"""

from kd_keras.report import figures
from kd_keras.report.layout import Drawing, Figure, Section, Table

__all__ = ["describe"]

_LONGER = 1.1  # what still counts as the same time
_LONGEST_NAME = 14  # letters, for which the figure has room


def describe(content):
    """A row for each file, and what each run reaches in the time of the page's own fastest file."""
    if not content.alternatives:
        return None
    caption = (
        "Exported files on one thread (SavedModel and .keras on TensorFlow's own), timed in turns "
        "in one session on the machine that made this page: the median of the quickest round. The "
        "errors are those of their verification. “Best so far” marks a file with a lower error "
        "than every faster one."
    )
    tables = [Table(caption=caption, rows=tuple(_rows(content.alternatives)))]
    compared = tuple(_compared_rows(content))
    if compared:
        caption = (
            f"In the time of each file of {_own_run(content)} that no faster one of its files "
            "matches, and up to a tenth more: the best file of each other run. Points above it "
            "are percentage points of error."
        )
        tables.append(Table(caption=caption, rows=compared))
    return Section(
        name="alternatives",
        heading="Other ways to the same time",
        paragraphs=tuple(_sentences(content)),
        figures=(_figure(content.alternatives),),
        tables=tuple(tables),
    )


def _figure(alternatives):
    points = [
        figures.FrontPoint(
            label=_label(one),
            milliseconds=one.median_milliseconds,
            range_milliseconds=None,
            error_percent=one.error_percent,
            size=one.size_bytes,
            on_front=is_best,
        )
        for one, is_best in _with_best_so_far(alternatives)
    ]
    drawing = Drawing(
        name="alternatives",
        svg=figures.draw_front(points, y_label="error in %"),
        description="; ".join(
            f"{point.label} {point.error_percent:.2f}% at {point.milliseconds:.2f} ms"
            for point in points
        ),
    )
    caption = (
        "Each mark is an exported file: the further left the quicker, the lower the better; its "
        "area grows with the file. The line: no quicker file has as few errors as one on it."
    )
    return Figure(drawings=(drawing,), caption=caption)


def _label(one):
    """The run's name and the file's form; a long name gives way to what the network is."""
    form = one.file.removeprefix("tflite_").partition(".")[0]
    return f"{one.run if len(one.run) <= _LONGEST_NAME else one.kind} {form}"


def _with_best_so_far(alternatives):
    """Pairs of a file and whether every faster one has more errors."""
    lowest = float("inf")
    for one in alternatives:
        yield one, one.error_percent < lowest
        lowest = min(lowest, one.error_percent)


def _rows(alternatives):
    for one, is_best in _with_best_so_far(alternatives):
        yield {
            "run": one.run,
            "what": one.kind,
            "file": one.file,
            "error %": one.error_percent,
            "ms per image": one.median_milliseconds,
            "95% of calls, ms": one.percentile95_milliseconds,
            "kB": one.size_bytes / 1000,
            "verdict": "pass" if one.passed else "FAIL",
            "best so far": "yes" if is_best else "",
        }


def _compared_rows(content):
    """For each own file worth its time, and each other run, what that reaches in the time."""
    others = dict.fromkeys(one.run for one in content.alternatives if not one.is_own)
    for own in _worth_their_time(content):
        for run in others:
            best = _best_within(content.alternatives, run, own)
            yield {
                "in the time of": own.file,
                "its ms": own.median_milliseconds,
                "its error %": own.error_percent,
                "run": run,
                "file": best.file if best else "none as fast",
                "ms per image": best and best.median_milliseconds,
                "error %": best and best.error_percent,
                "points above it": best and best.error_percent - own.error_percent,
            }


def _own_run(content):
    return next(one.run for one in content.alternatives if one.is_own)


def _worth_their_time(content):
    own = [one for one in content.alternatives if one.is_own]
    return [one for one, is_best in _with_best_so_far(own) if is_best]


def _best_within(alternatives, run, own):
    """The file of a run with the lowest error in the time of another file, or None."""
    limit = _LONGER * own.median_milliseconds
    within = [a for a in alternatives if a.run == run and a.median_milliseconds <= limit]
    return min(within, key=lambda one: one.error_percent, default=None)


def _sentences(content):
    own = next((one for one in content.alternatives if one.is_own), None)
    if own is None:
        return
    runs = dict.fromkeys(a.run for a in content.alternatives)
    parts = [_tell(run, _best_within(content.alternatives, run, own)) for run in runs]
    yield (
        f"In the time of the fastest file of {own.run} ({own.median_milliseconds:.2f} ms, "
        f"and up to a tenth more): {'; '.join(parts)}."
    )


def _tell(run, best):
    if best is None:
        return f"{run} has no file as fast"
    return f"{run} errs on {best.error_percent:.2f}% ({best.file})"
