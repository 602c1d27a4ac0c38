"""The trials in a folder: those of a search, or the runs of a comparison as if they were such."""

import dataclasses
import pathlib

from kd_keras import files, search
from kd_keras.config import from_dictionary
from kd_keras.gathering import records

__all__ = ["read_comparison", "read_search", "recorded_student"]

_STATUSES = {"finished": "finished", "failed": "failed"}  # of a comparison's run, of a trial
_SIZE = ("network", "depth", "width")


def read_search(folder):
    """The trials of a search, each with the size of its student among its values.

    Args:
        folder: The search's folder.

    Returns:
        A list of `search.Trial`.

    Raises:
        FileNotFoundError, ValueError: As `search.read`.
    """
    folder = pathlib.Path(folder)
    return [_with_size(trial, folder / trial.folder) for trial in search.read(folder)]


def _with_size(trial, folder):
    """What all trials share is not among the values of one; a name needs it."""
    path = folder / "config.json"
    if not trial.folder or not path.is_file():
        return trial
    student = recorded_student(files.read_json(path))
    return dataclasses.replace(trial, values=_size_of(student) | trial.values)


def recorded_student(facts):
    """The `config.Student` of a run, from its `config.json`.

    Raises:
        ValueError: If it is none of a student's run.
    """
    try:
        return from_dictionary({"student": facts["config"]["student"]}).student
    except KeyError as error:
        raise ValueError(
            f"Damaged config.json. Expected the record of a student's run. Received: one without "
            f"{error}."
        ) from None


def _size_of(student):
    if student.path:
        return {"student.path": student.path}
    return {f"student.{name}": getattr(student, name) for name in _SIZE}


def read_comparison(folder):
    """The runs of a comparison as trials, without times.

    The validation error is that of the epoch whose network was kept.

    Args:
        folder: The comparison's folder.

    Returns:
        A list of `search.Trial`, the method among their values, and a dictionary from the
        finished ones' names to their runs' `config.json`.

    Raises:
        ValueError: If a file is damaged.
    """
    folder = pathlib.Path(folder)
    path = folder / "comparison.json"
    trials, facts = [], {}
    try:
        for method in files.read_json(path)["methods"]:
            for run in method["runs"]:
                trial, fact = _read_run(folder, method["label"], run)
                trials.append(trial)
                facts |= {trial.name: fact} if fact else {}
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"Damaged file {path}. Expected a comparison as the command compare writes it. "
            f"Received: one without {error}."
        ) from None
    return trials, facts


def _read_run(folder, label, run):
    trial = search.Trial(
        name=f"{label}, seed {run['seed']}",
        values={"method": label},
        status=_STATUSES.get(run["status"], "skipped"),
        reason=run["reason"] or ("It has not been run." if run["status"] == "missing" else ""),
        seed=run["seed"],
        folder=run["folder"],
    )
    if trial.status != "finished":
        return trial, None
    try:
        record = records.read_record(folder / run["folder"])
    except FileNotFoundError as error:
        return dataclasses.replace(trial, status="failed", reason=str(error)), None
    figures = record.figures or {}
    return (
        dataclasses.replace(
            trial,
            values=_size_of(recorded_student(record.facts)) | trial.values,
            epochs=figures.get("epochs"),
            validation_error_percent=_validation_error(record),
            test_error_percent=run["best_error_percent"],
            parameters=figures.get("parameters"),
            multiply_adds=figures.get("multiply_adds"),
            seconds=run["seconds"],
        ),
        record.facts,
    )


def _validation_error(record):
    kept = (record.figures or {}).get("best_epoch")
    for row in record.history:
        if row["epoch"] == kept and "val_accuracy" in row:
            return 100 * (1 - row["val_accuracy"])
    return None
