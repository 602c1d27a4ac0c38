"""The model card: what a person has to know about exported files, in Markdown.

Everything here takes plain values; where they come from is the affair of who asks for the card.
"""

__all__ = ["format_model_card"]


def format_model_card(title, *, facts, verdicts, limits, licence=""):
    """Write a model card.

    Args:
        title: Of the model.
        facts: Dictionaries of plain values by the heading of their section, in the order that
            they are to have. Sections without values are left out.
        verdicts: `Verdict`s of the files.
        limits: Sentences on what the model is not for.
        licence: Of the weights, or "".

    Returns:
        The text.

    Example:
        >>> print(format_model_card(
        ...     "Student", facts={"Data": {"images": 3}}, verdicts=(), limits=["It is small."]))
        # Student
        <BLANKLINE>
        ## Data
        <BLANKLINE>
        | | |
        |---|---|
        | images | 3 |
        <BLANKLINE>
        ## Limits
        <BLANKLINE>
        - It is small.
        <BLANKLINE>
        ## Licence
        <BLANKLINE>
        Not stated.
        <BLANKLINE>
    """
    blocks = [f"# {title}"]
    for heading, values in facts.items():
        if values:
            rows = [("", ""), *((name, _text(value)) for name, value in values.items())]
            blocks += [f"## {heading}", _table(rows)]
    if verdicts:
        blocks += ["## Files", _table([_HEADINGS, *map(_row, verdicts)])]
        failures = [f"- {v.path.name}: {reason}" for v in verdicts for reason in v.reasons]
        blocks += ["\n".join(failures)] if failures else []
    blocks += ["## Limits", "\n".join(f"- {sentence}" for sentence in limits)]
    blocks += ["## Licence", licence or "Not stated."]
    return "\n\n".join(blocks) + "\n"


_HEADINGS = (
    "file",
    "kB",
    "computes in",
    "logit difference, mean (largest)",
    "agreement %",
    "error %",
    "NLL nats",
    "ECE %",
    "ms, median (95th percentile)",
    "verdict",
)


def _row(verdict):
    return (
        verdict.path.name,
        f"{verdict.size_bytes / 1000:.1f}",
        verdict.precision,
        _difference(verdict),
        _text(verdict.agreement_percent),
        _text(verdict.error_after_percent),
        _text(verdict.negative_log_likelihood_after_nats),
        _text(verdict.expected_calibration_error_after_percent),
        "; ".join(map(_latency, verdict.latencies)) or "-",
        "pass" if verdict.passed else "FAIL",
    )


def _difference(verdict):
    mean, largest = verdict.mean_logit_difference, verdict.largest_logit_difference
    return "-" if mean is None else f"{mean:.2g} ({largest:.2g})"


def _latency(latency):
    threads = "own threads" if latency.num_threads is None else f"{latency.num_threads} threads"
    threads = threads.replace("1 threads", "1 thread")
    images = f", {latency.batch} images a call" if latency.batch > 1 else ""
    milliseconds = f"{latency.median_milliseconds:.2f} ({latency.percentile95_milliseconds:.2f})"
    return f"{milliseconds}, {threads}{images}"


def _table(rows):
    head, *rest = [f"| {' | '.join(cells)} |".replace("|  |  |", "| | |") for cells in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *rest])


def _text(value):
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "-"
    return str(value).replace("|", "\\|").replace("\n", " ")
