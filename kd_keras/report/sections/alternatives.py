"""Other ways to the same time: the exported files of several runs, by their time for one image."""

from kd_keras.report.layout import Section, Table

__all__ = ["describe"]

_LONGER = 1.1  # what still counts as the same time


def describe(content):
    """A row for each file, and what each run reaches in the time of the page's own fastest file."""
    if not content.alternatives:
        return None
    caption = (
        "Exported files on one thread (SavedModel and .keras on TensorFlow's own), timed in turns "
        "on the machine that made this page; the errors are those of their verification. “Best so "
        "far” marks a file with a lower error than every faster one."
    )
    return Section(
        name="alternatives",
        heading="Other ways to the same time",
        paragraphs=tuple(_sentences(content)),
        tables=(Table(caption=caption, rows=tuple(_rows(content.alternatives))),),
    )


def _rows(alternatives):
    lowest = float("inf")
    for one in alternatives:
        yield {
            "run": one.run,
            "what": one.kind,
            "file": one.file,
            "error %": one.error_percent,
            "ms per image": one.median_milliseconds,
            "95% of calls, ms": one.percentile95_milliseconds,
            "kB": one.size_bytes / 1000,
            "verdict": "pass" if one.passed else "FAIL",
            "best so far": "yes" if one.error_percent < lowest else "",
        }
        lowest = min(lowest, one.error_percent)


def _sentences(content):
    own = [one for one in content.alternatives if one.run == content.title]
    if not own:
        return
    limit = _LONGER * own[0].median_milliseconds
    within = [one for one in content.alternatives if one.median_milliseconds <= limit]
    parts = [_best_of(run, within) for run in dict.fromkeys(a.run for a in content.alternatives)]
    yield (
        f"In the time of the fastest file of {content.title} ({own[0].median_milliseconds:.2f} ms, "
        f"and up to a tenth more): {'; '.join(parts)}."
    )


def _best_of(run, alternatives):
    found = [one for one in alternatives if one.run == run]
    if not found:
        return f"{run} has no file as fast"
    best = min(found, key=lambda one: one.error_percent)
    return f"{run} errs on {best.error_percent:.2f}% ({best.file})"
