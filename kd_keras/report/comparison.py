"""A comparison as tables: for the screen, in Markdown, and as CSV.

The comparison is the dictionary that `comparison.json` holds.
"""

import csv
import io

from kd_keras.report import pairs, tables

__all__ = ["comparison_csv", "comparison_markdown", "comparison_rows", "comparison_text"]

_NETWORKS = {"best": "Best on validation", "last": "Last epoch"}
_MEANING = (
    "A gain is the mean of the differences to the control, seed by seed. Its interval is about "
    "training again with other seeds, with this teacher, judged on these images."
)


def comparison_rows(comparison, which, teacher=None):
    """A row for each method.

    Args:
        comparison: The dictionary.
        which: `"best"` or `"last"`: which network of every run.
        teacher: The teacher's figures as in its `metrics.json`, or None.

    Returns:
        The rows, the teacher's first.
    """
    rows = [_method_row(method, which) for method in comparison["methods"]]
    if teacher and which in teacher:
        sizes = {heading: teacher[key] for heading, key in _SIZES.items()}
        error = teacher[which]["top1_error_percent"]
        row = {"method": "teacher", "runs": "1", "median error %": error, **sizes}
        rows.insert(0, {**dict.fromkeys(rows[0]), **row})
    return rows


_SIZES = {"parameters": "parameters", "multiply-adds": "multiply_adds"}


def _method_row(method, which):
    finished = _finished(method)
    runs = f"{len(finished)} of {len(method['runs'])}"
    figures, gain = method[which], method[which]["gain"]
    mean, deviation = figures["mean"], figures["standard_deviation"]
    spread = "" if deviation is None else f" ± {deviation:.2f}"
    seconds = [run["seconds"] for run in finished if run["seconds"] is not None]
    return {
        "method": method["label"],
        "runs": str(len(finished)) if len(finished) == len(method["runs"]) else runs,
        "median error %": figures["median"],
        "mean ± sd": None if mean is None else f"{mean:.2f}{spread}",
        "gain, points": None if gain is None else f"{gain['mean']:+.2f}",
        "95% interval": _interval(gain),
        **{heading: method[key] for heading, key in _SIZES.items()},
        "s per run": round(sum(seconds) / len(seconds)) if seconds else None,
    }


def _finished(method):
    return [run for run in method["runs"] if run["status"] == "finished"]


def _interval(gain):
    if gain is None or gain["low"] is None:
        return None
    return f"{gain['low']:+.2f} to {gain['high']:+.2f}"


def comparison_text(comparison, teacher=None):
    """The tables and sentences for the screen."""
    return "\n".join(_compose(comparison, teacher, tables.format_table, "{}:"))


def comparison_markdown(comparison, teacher=None):
    """The same as a Markdown document."""
    lines = [f"# {comparison['name']}", "", "```", comparison["command_line"], "```", ""]
    lines += _compose(comparison, teacher, tables.format_markdown, "## {}\n", "- ")
    rows = pairs.pair_rows(comparison)
    if rows:
        lines += ["", "## Between methods, best on validation", ""]
        lines += [tables.format_markdown(rows), "", pairs.MEANING]
    return "\n".join(lines) + "\n"


def _compose(comparison, teacher, format_rows, heading, bullet=""):
    images = f"{comparison['num_examples']} {comparison['judged_on']} images"
    for which, name in _NETWORKS.items():
        title = f"{name}, {images}" if comparison["num_examples"] else name
        yield heading.format(title)
        yield format_rows(comparison_rows(comparison, which, teacher))
        yield ""
    yield from (f"{bullet}{method['sentence']}" for method in comparison["methods"])
    for method in comparison["methods"]:
        for run in method["runs"]:
            if run["status"] == "failed":
                yield f"{bullet}{method['label']}, seed {run['seed']}, failed: {run['reason']}"
    yield f"\n{_MEANING}"


def comparison_csv(comparison):
    """The same as CSV: a line for each method and network, with every run's error at its end."""
    rows = [_csv_row(method, which) for which in _NETWORKS for method in comparison["methods"]]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _csv_row(method, which):
    figures, gain = method[which], method[which]["gain"] or {}
    return {
        "method": method["label"],
        "network": which,
        "control": method["control"],
        "finished_runs": len(_finished(method)),
        "median_error_percent": figures["median"],
        "mean_error_percent": figures["mean"],
        "standard_deviation": figures["standard_deviation"],
        **{f"gain_{key}": gain.get(key) for key in ("mean", "low", "high", "num_seeds")},
        **{key: method[key] for key in (*_SIZES.values(), "size_bytes")},
        **{f"error_percent_seed_{r['seed']}": r[f"{which}_error_percent"] for r in method["runs"]},
    }
