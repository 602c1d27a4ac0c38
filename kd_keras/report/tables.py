"""Tables for the screen, and the rows that they are made of.

A row is a dictionary from a column's heading, which names the unit, to a value.
"""

__all__ = [
    "arrange",
    "format_markdown",
    "format_table",
    "result_row",
    "verdict_details_row",
    "verdict_row",
]


def format_table(rows):
    """Align rows under their headings.

    Args:
        rows: Dictionaries. A column stands where it first appears; a value that is missing or
            None is shown as "-".

    Returns:
        The table, lines joined by newlines, without one at the end.

    Example:
        >>> print(format_table([{"student": "WRN-10-2", "error %": 3.0}, {"student": "b"}]))
        student   error %
        WRN-10-2     3.00
        b               -
    """
    headings, texts, numeric = arrange(rows)
    columns = list(zip(headings, *texts, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for cells in [headings, *texts]:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def format_markdown(rows):
    """The same table in Markdown.

    Args:
        rows: As `format_table` takes them, at least one.

    Returns:
        Lines joined by newlines, without one at the end.

    Example:
        >>> print(format_markdown([{"student": "a|b", "error %": 3.0}]))
        | student | error % |
        | --- | ---: |
        | a\\|b | 3.00 |
    """
    headings, texts, numeric = arrange(rows)
    rule = ["---:" if right else "---" for right in numeric]
    escaped = [[cell.replace("|", "\\|") for cell in cells] for cells in [headings, rule, *texts]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)


def arrange(rows):
    """Put rows into columns.

    Args:
        rows: As `format_table` takes them.

    Returns:
        The headings; for each row the texts of its cells; and for each column whether it holds
        numbers alone.

    Example:
        >>> arrange([{"student": "a", "error %": 3.0}])
        (['student', 'error %'], [['a', '3.00']], [False, True])
    """
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    texts = [[_format(row.get(heading)) for heading in headings] for row in rows]
    numeric = [
        all(isinstance(row.get(heading), int | float | None) for row in rows)
        for heading in headings
    ]
    return headings, texts, numeric


def _format(value):
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) >= 0.01 or value == 0 else f"{value:.1e}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def result_row(label, figures, *, parameters=None, multiply_adds=None, size_bytes=None):
    """One model's row.

    Args:
        label: What the model is.
        figures: As `metrics.summarize` returns them.
        parameters, multiply_adds, size_bytes: Its size, or None where it is not known.

    Returns:
        The row.
    """
    row = {
        "model": label,
        "error %": figures["top1_error_percent"],
        "top-5 error %": figures.get("top5_error_percent"),
        "NLL nats": figures["negative_log_likelihood_nats"],
        "ECE %": figures["expected_calibration_error_percent"],
        "agreement %": figures.get("agreement_with_teacher_percent"),
        "KL from teacher": figures.get("divergence_from_teacher_nats"),
        "parameters": parameters,
        "multiply-adds": multiply_adds,
        "kB": None if size_bytes is None else size_bytes / 1000,
    }
    return {heading: value for heading, value in row.items() if value is not None}


def verdict_row(verdict):
    """One exported file's row, from its `export.Verdict`."""
    return {
        "file": verdict.path.name,
        "kB": verdict.size_bytes / 1000,
        "images": verdict.num_examples,
        "largest logit difference": verdict.largest_logit_difference,
        "agreement %": verdict.agreement_percent,
        "error before %": verdict.error_before_percent,
        "error after %": verdict.error_after_percent,
        "verdict": "pass" if verdict.passed else "FAIL",
    }


def verdict_details_row(verdict):
    """What else is known of an exported file: how sure it is, how fast, what is in it."""
    row = {
        "file": verdict.path.name,
        "computes in": verdict.precision,
        "mean logit difference": verdict.mean_logit_difference,
        "NLL before": verdict.negative_log_likelihood_before_nats,
        "NLL after": verdict.negative_log_likelihood_after_nats,
        "ECE % before": verdict.expected_calibration_error_before_percent,
        "ECE % after": verdict.expected_calibration_error_after_percent,
        "ties %": verdict.tied_percent,
    }
    for latency in verdict.latencies:
        threads = "own" if latency.num_threads is None else latency.num_threads
        images = f" per call of {latency.batch} images" if latency.batch > 1 else ""
        row[f"ms{images}, threads: {threads}"] = latency.median_milliseconds
        row[f"95%{images}, threads: {threads}"] = latency.percentile95_milliseconds
    operations = sorted(verdict.operations.items())
    return row | {"operations": " ".join(f"{name}:{count}" for name, count in operations) or None}
