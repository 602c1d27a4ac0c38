"""How it came out: the table, a sentence on each student, and the runs of a comparison."""

import statistics

from kd_keras.report import comparison, figures, pairs, palette, sentences, tables
from kd_keras.report.layout import Drawing, Figure, Section, Table

__all__ = ["describe"]

_WORDS = (
    "Error: share of the images given a wrong class. NLL: negative log-likelihood. ECE: expected "
    "calibration error, how far the network's certainty is from the truth. Agreement: share of "
    "the images on which the student answers like its teacher. KL: how far the student's "
    "probabilities are from the teacher's. “Best” is the epoch that was best on the validation "
    "images; "
)
_CHOSEN_BY_THEM = "these are they, so that a little more is to be expected on new ones."
_CHOSEN_BY_OTHERS = "nothing was chosen by the images of this table."


def describe(content):
    """The table of results."""
    if content.comparison:
        return _of_comparison(content)
    rows = [row for contender in content.contenders for row in _run_rows(contender)]
    if not rows:
        return None
    return Section(
        name="results",
        heading="Results",
        paragraphs=tuple(_run_sentences(content)),
        tables=(Table(caption=_caption(content), rows=tuple(rows)),),
    )


def _caption(content):
    chosen_by_them = _first_figures(content)["judged_on"] == "validation"
    return (
        f"{_judged_on(content)} {_WORDS}{_CHOSEN_BY_THEM if chosen_by_them else _CHOSEN_BY_OTHERS}"
    )


def _judged_on(content):
    figures_ = _first_figures(content)
    return f"On {figures_['num_examples']:,} {figures_['judged_on']} images."


def _first_figures(content):
    return next(c.figures for c in content.contenders if c.figures)


def _sizes(contender):
    return {name: contender.size(name) for name in ("parameters", "multiply_adds", "size_bytes")}


def _run_rows(contender):
    for which in ("best", "last"):
        if which in (contender.figures or {}):
            epoch = contender.figures.get("best_epoch" if which == "best" else "epochs")
            label = contender.label + (f", {which} (epoch {epoch})" if epoch else "")
            row = tables.result_row(label, contender.figures[which], **_sizes(contender))
            row["ms per image"] = contender.latency_milliseconds
            row["s to train"] = contender.figures.get("training_seconds")
            yield {heading: value for heading, value in row.items() if value is not None}


def _run_sentences(content):
    errors = {c.label: c.errors_percent[0] for c in content.contenders if c.errors_percent}
    if content.subject not in errors:
        return
    parts = [f"the {label} is wrong on {error:.2f}%" for label, error in errors.items()]
    said = "; ".join(parts)
    yield f"{_judged_on(content)} {said[0].upper()}{said[1:]}."
    if content.control in errors and content.control != content.subject:
        figures_ = content.contender(label=content.subject).figures
        images = {name: figures_[name] for name in ("num_examples", "judged_on")}
        pair = errors[content.control], errors[content.subject]
        said = sentences.compare_students(*pair, **images)
        yield said.replace("It ", f"The {content.subject} ", 1)


def _of_comparison(content):
    said = [method["sentence"] for method in content.comparison["methods"] if method["sentence"]]
    if content.subject:
        said.append(
            f"The sections below look closer at {content.subject}, which has the lowest median "
            "error here. As it was chosen by these images, expect a little more on new ones."
        )
    return Section(
        name="results",
        heading="Results",
        paragraphs=tuple(said),
        figures=tuple(_seed_figures(content)),
        tables=(
            _method_table(content, "best", "The epoch that was best on the validation images"),
            _method_table(content, "last", "The last epoch"),
            *_pair_tables(content.comparison),
            Table(
                caption="Every run, those that failed or are missing among them.",
                rows=tuple(_single_rows(content.comparison["methods"])),
                folded=True,
            ),
        ),
    )


def _method_table(content, which, words):
    facts, teacher = content.comparison, content.contender(role="teacher")
    rows = comparison.comparison_rows(facts, which, teacher and teacher.figures)
    latencies = {c.label: c.latency_milliseconds for c in content.contenders}
    if any(latencies.values()):
        rows = [{**row, "ms per image": latencies.get(row["method"])} for row in rows]
    seeds = ", ".join(map(str, facts["seeds"]))
    images = ""
    if facts["num_examples"]:
        images = f", on {facts['num_examples']:,} {facts['judged_on']} images"
    caption = (
        f"{words}{images}, over the seeds {seeds}. A gain is the mean difference to the control "
        "with the same seed, in percentage points; its interval is about training again with "
        "other seeds."
    )
    return Table(caption=caption, rows=tuple(rows))


def _pair_tables(facts):
    rows = pairs.pair_rows(facts)
    if rows:
        caption = f"Between methods, best on the validation images. {pairs.MEANING}"
        yield Table(caption=caption, rows=tuple(rows))


def _single_rows(methods):
    for method in methods:
        for run in method["runs"]:
            yield {
                "method": method["label"],
                "seed": run["seed"],
                "status": run["status"],
                "best error %": run.get("best_error_percent"),
                "best epoch": run.get("best_epoch"),
                "last error %": run.get("last_error_percent"),
                "seconds": run.get("seconds"),
                "reason": run.get("reason") or "",
                "folder": run.get("folder") or "",
            }


def _seed_figures(content):
    colours = palette.assign_colours(content.contenders)
    students = [c for c in content.contenders if c.role != "teacher"]
    if not any(c.errors_percent for c in students):
        return
    rows = [(c.label, colours[c.label], c.errors_percent) for c in students]
    teacher = content.contender(role="teacher")
    error = teacher.errors_percent[0] if teacher and teacher.errors_percent else None
    split = content.comparison["judged_on"]
    described = [
        f"{c.label} {statistics.median(c.errors_percent):.2f}%"
        for c in students
        if c.errors_percent
    ]
    drawing = Drawing(
        name="errors",
        svg=figures.draw_seeds(rows, teacher_error=error, x_label=f"{split} error in %"),
        description=f"Median {split} errors: {', '.join(described)}.",
    )
    yield Figure(
        drawings=(drawing,),
        caption=(
            "Each dot is one run, with one seed; the bar and the number are the median. Further "
            "left is better. Where the dots of two methods lie among each other, the runs do not "
            "tell which is better. The axis need not begin at 0."
        ),
    )
