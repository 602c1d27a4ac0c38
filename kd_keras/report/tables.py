"""Tables for the screen, and the rows that they are made of.

A row is a dictionary from a column's heading, which names the unit, to a value.
"""

__all__ = ["format_table", "result_row", "verdict_row"]


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
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    texts = [[_format(row.get(heading)) for heading in headings] for row in rows]
    columns = list(zip(headings, *texts, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numeric = [
        all(isinstance(row.get(heading), int | float | None) for row in rows)
        for heading in headings
    ]
    lines = []
    for cells in [headings, *texts]:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


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
