"""What the rows of a comparison came to: one dictionary, and the files that show it."""

import os

from kd_keras import export, files, intervals, report, runs

__all__ = ["gather", "write"]

_SIZES = ("parameters", "multiply_adds", "size_bytes")


def gather(comparison, teacher_path, failures):
    """Put the figures of all finished rows together.

    Args:
        comparison: The `Comparison`.
        teacher_path: The teacher's file, or None.
        failures: Why a row failed, by its label and seed.

    Returns:
        Plain values, as they are written to `comparison.json`.

    Raises:
        ValueError: If rows were trained on different images or with different teachers.
    """
    _require_alike(comparison)
    figures = {
        (row.label, row.seed): files.read_json(row.folder.metrics_path)
        for row in comparison.rows
        if row.folder.finished
    }
    judged = next(iter(figures.values()), {})
    images = {name: judged.get(name) for name in ("judged_on", "num_examples")}
    collected = {
        label: [_describe_run(row, comparison, figures, failures) for row in rows]
        for label, rows in _rows_by_label(comparison).items()
    }
    return {
        "name": comparison.name,
        "command_line": runs.command_line(),
        "teacher": None if teacher_path is None else str(teacher_path),
        "seeds": list(comparison.seeds),
        **images,
        "methods": [
            _describe_method(label, comparison, collected, figures, images) for label in collected
        ],
    }


def _rows_by_label(comparison):
    rows = {label: [] for label in comparison.methods}
    for row in comparison.rows:
        rows[row.label].append(row)
    return rows


def _require_alike(comparison):
    """Rows that were finished at another time or place may differ in what all are to share."""
    seen = {}
    for row in comparison.rows:
        for name, value in _read_shared(row).items() if row.folder.finished else ():
            first, expected = seen.setdefault(name, (row, value))
            if value != expected:
                raise ValueError(
                    f"Two runs do not compare: they differ in the {name}. Expected {expected}, as "
                    f"in {first.folder.path}. Received: {value} in {row.folder.path}. "
                    + _advise(comparison, first, row)
                )


def _advise(comparison, *rows):
    if all(row.folder.path.parent == comparison.path for row in rows):
        return "Choose another --run_name, or remove the older folder."
    return (
        "One of them is of an earlier comparison. Give the same command again: it goes on with "
        "runs of its own in the place of those."
    )


def _read_shared(row):
    identity = files.read_json(row.folder.config_path)["identity"]
    shared = {name: identity[name] for name in ("data", "teacher") if name in identity}
    # Left open, the precision is what the machine of the run was quick in.
    requested = row.config.training.precision
    return {**shared, f"precision ({requested})": identity["training.precision"]}


def _describe_run(row, comparison, figures, failures):
    key = row.label, row.seed
    found = figures.get(key)
    status = "finished" if found else "failed" if key in failures else "missing"
    found = found or {}
    return {
        "seed": row.seed,
        "folder": os.path.relpath(row.folder.path, comparison.path),
        "status": status,
        "reason": None if status == "finished" else failures.get(key),
        "best_error_percent": found.get("best", {}).get("top1_error_percent"),
        "last_error_percent": found.get("last", {}).get("top1_error_percent"),
        "best_epoch": found.get("best_epoch"),
        "seconds": found.get("training_seconds"),
    }


def _describe_method(label, comparison, collected, figures, images):
    control = comparison.find_control(label)
    found = next((f for (name, _), f in figures.items() if name == label), {})
    described = {"label": label, "control": control, "runs": collected[label]}
    for which in ("best", "last"):
        errors = _errors(collected[label], which)
        gain = None
        if control is not None:
            gain = intervals.paired_gain(_errors(collected[control], which), errors)
        described[which] = {**intervals.summarize_errors(list(errors.values())), "gain": gain}
    described |= {name: found.get(name) for name in _SIZES}
    described["sentence"] = _describe_gain(label, control, comparison, collected, images)
    return described


def _errors(collected, which):
    errors = {run["seed"]: run[f"{which}_error_percent"] for run in collected}
    return {seed: error for seed, error in errors.items() if error is not None}


def _describe_gain(label, control, comparison, collected, images):
    if comparison.methods[label].distillation.on_labels_alone:
        return f"{label} is trained on labels alone: a control."
    if control is None:
        return (
            f"{label} has no control: no method of this comparison trains the same student by the "
            "same recipe on labels alone."
        )
    return report.compare_methods(
        label,
        _errors(collected[label], "best"),
        control=control,
        control_errors=_errors(collected[control], "best"),
        **images,
    )


def write(comparison, teacher_path, failures):
    """Write `comparison.json`, `comparison.md` and `comparison.csv`; returns the screen's text."""
    result = gather(comparison, teacher_path, failures)
    teacher = _read_teacher_figures(teacher_path, comparison)
    files.write_json(comparison.path / "comparison.json", result)
    for suffix, text in (
        ("md", report.comparison_markdown(result, teacher)),
        ("csv", report.comparison_csv(result)),
    ):
        with files.open_atomically(comparison.path / f"comparison.{suffix}") as file:
            file.write(text)
    return report.comparison_text(result, teacher)


def _read_teacher_figures(teacher_path, comparison):
    """The teacher's figures; None where there are none, or they are known to be of other images."""
    metrics_path = teacher_path and teacher_path.parent / "metrics.json"
    if not metrics_path or not metrics_path.is_file():
        return None
    images = _read_images(metrics_path.parent / "config.json")
    images = images or export.read_data_fingerprint(teacher_path)
    rows = (row for row in comparison.rows if row.folder.finished)
    others = {_read_images(row.folder.config_path) for row in rows} - {images}
    return None if images and others else files.read_json(metrics_path)


def _read_images(path):
    return files.read_json(path)["identity"].get("data") if path.is_file() else None
