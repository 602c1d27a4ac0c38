"""The cast of a comparison's page: its methods, each with all its runs, and the teacher."""

import dataclasses
import pathlib
import statistics

from kd_keras import files, subjects
from kd_keras.gathering import records, single
from kd_keras.gathering.cast import Cast

__all__ = ["cast_comparison"]


def cast_comparison(folder, teacher_path=None):
    """Who is on the page of a comparison.

    Args:
        folder: The comparison's folder, with its `comparison.json`.
        teacher_path: The teacher's file, where it is not where the records say.

    Returns:
        The `Cast`. Of each method, the run with the median error stands for it.

    Raises:
        ValueError: If a file is damaged.
    """
    folder = pathlib.Path(folder)
    comparison = files.read_json(folder / "comparison.json")
    try:
        cast = _cast(folder, comparison)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"Damaged file {folder / 'comparison.json'}. Expected a comparison as the command "
            f"compare writes it. Received: one without {error}."
        ) from error
    # A second network that learned along with one of them is no teacher of the others.
    learned = [r for r in cast.records.values() if r.facts.get("teacher") and not r.has_peer]
    if learned:
        record = learned[0]
        found = subjects.find_teacher(record.facts, record.path, folder, folder.parent)
        label = "the teacher" if "teacher" in cast.contenders else "teacher"
        single.add_teacher(cast, record, teacher_path or found, label)
    return cast


def _cast(folder, comparison):
    cast = Cast(title=comparison["name"], comparison=comparison)
    for method in comparison["methods"]:
        _add_method(cast, folder, method)
    finished = [c for c in cast.contenders.values() if c.errors_percent]
    students = [c for c in finished if c.role == "student"] or finished
    if not students:
        cast.missing.append("No run of this comparison has come to its end.")
        return cast
    best = min(students, key=lambda c: statistics.median(c.errors_percent))
    cast.subject = best.label
    controls = {method["label"]: method["control"] for method in comparison["methods"]}
    cast.control = controls[best.label] or ""
    return cast


def _add_method(cast, folder, method):
    found = []
    for run in method["runs"]:
        if run["status"] == "finished":
            found.append((run, _read(cast, folder, run)))
        else:
            reason = f": {run['reason']}" if run["reason"] else ""
            cast.missing.append(f"{method['label']}, seed {run['seed']}: {run['status']}{reason}")
    found = [(run, record) for run, record in found if record is not None]
    if not found:
        return
    standing = _median_run(found)
    contender = single.make_contender(standing, method["label"])
    contender = dataclasses.replace(
        contender,
        histories=tuple(record.history for _, record in found if record.history),
        errors_percent=tuple(run["best_error_percent"] for run, _ in found),
    )
    cast.add(contender, standing)


def _read(cast, folder, run):
    try:
        return records.read_record(folder / run["folder"])
    except FileNotFoundError:
        cast.missing.append(f"The folder of a finished run is not there any more: {run['folder']}.")
        return None


def _median_run(found):
    """The run whose error is the median, the lower of two in the middle."""
    ordered = sorted(found, key=lambda pair: pair[0]["best_error_percent"])
    return ordered[(len(ordered) - 1) // 2][1]
