"""Whether a comparison may work in its folder, and what of it is there already."""

import contextlib
import dataclasses
import json

from kd_keras import files, groundwork, runs, training

__all__ = ["adopt_finished", "claim", "claim_teacher"]

_OF_A_COMPARISON = (*runs.OF_A_STUDENT, "teacher")
# What a run records of these is what its machine chose, where they were left open.
_LEFT_TO_THE_MACHINE = ("training.precision", "training.xla")
_OPEN = "auto"
# What comes of reading a file that is damaged or another program's.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError)


def claim(comparison):
    """Make the comparison's folder this one's, or see that it and its rows are.

    Methods and seeds may be added later; what all methods share may not change, and neither may a
    row that has begun.

    Returns:
        A context manager at whose end other processes may work in the folder.

    Raises:
        ValueError: If the folder, or a row's, was made by other settings, the message naming
            them, or if another process works in it.
    """
    settings = runs.settings_with_effect(comparison.config, _OF_A_COMPARISON)
    del settings["run.seed"]  # each row has its own
    record = {"config": comparison.config.to_dictionary(), "command_line": runs.command_line()}
    for row in comparison.rows:
        if row.folder.config_path.is_file():
            identity = files.read_json(row.folder.config_path)["identity"]
            # The data and the teacher are seen when the row is run.
            seen_later = {name: value for name, value in identity.items() if "." not in name}
            row.folder.require_same({**seen_later, **_settings_of(row, identity)})
    return training.RunFolder(comparison.path).claim({"command": "compare", **settings}, record)


def _settings_of(row, identity):
    """A row's settings with an effect; left open, they are what the machine of a run chose."""
    settings = runs.settings_with_effect(row.config, runs.OF_A_STUDENT)
    chosen = {
        name: identity.get(name, settings[name])
        for name in _LEFT_TO_THE_MACHINE
        if settings[name] == _OPEN
    }
    return {**settings, **chosen}


def claim_teacher(comparison, path):
    """Write down which teacher the comparison has, or see that it is still the same.

    Args:
        comparison: The `Comparison`.
        path: The teacher's file; None where no method needs one, and nothing is done.

    Raises:
        ValueError: If the teacher's file has changed since the comparison began.
    """
    groundwork.claim_teacher(comparison.path, path, what="comparison")


def adopt_finished(comparison):
    """Take finished runs of the same settings from the comparisons beside this one.

    Tables share rows: their control above all. A run is taken from a comparison with the same
    teacher, if every setting that has an effect is the same and the images lie in the same place;
    once this one has finished runs of its own, only if the images are still theirs.
    What is damaged beside this one, or another program's, is passed over.

    Returns:
        The `Comparison`, some rows of it with another folder.
    """
    own = _read_shared(comparison.path)
    there = []
    for record_path in sorted(comparison.path.parent.glob("*/comparison.json")):
        with contextlib.suppress(*_UNREADABLE):
            if record_path.parent != comparison.path and _read_shared(record_path.parent) == own:
                there += _list_finished(record_path.parent)
    own_images = {identity["data"] for _, identity, _ in _list_finished(comparison.path)}
    if own_images:
        there = [found for found in there if found[1]["data"] in own_images]
    rows = tuple(_adopt(row, there) for row in comparison.rows)
    return dataclasses.replace(comparison, rows=rows)


def _read_shared(path):
    """What two comparisons must have in common for one to take the other's rows."""
    teacher_path = path / groundwork.TEACHER_FILE
    teacher = files.read_json(teacher_path)["sha256"] if teacher_path.is_file() else None
    identity = files.read_json(path / "config.json")["identity"]
    return teacher, *(identity[name] for name in _LEFT_TO_THE_MACHINE)


def _list_finished(path):
    """The finished runs in a comparison's folder: folder, identity, and where the images lie."""
    finished = []
    for found in sorted(path.glob("*/metrics.json")):
        folder = training.RunFolder(found.parent)
        with contextlib.suppress(*_UNREADABLE):
            record = files.read_json(folder.config_path)
            place = record["config"]["data"]["data_directory"]
            identity = {"data": None, **record["identity"]}
            finished.append((folder, identity, place))
    return finished


def _adopt(row, finished):
    if row.folder.config_path.is_file():
        return row
    for folder, identity, place in finished:
        there = {name: value for name, value in identity.items() if "." in name}
        here = _settings_of(row, identity)
        here |= runs.identify_files(row.config, runs.OF_A_STUDENT)
        there |= {name: identity[name] for name in ("student_file",) if name in identity}
        same_place = place == row.config.data.data_directory
        # As JSON, because a record has lists where a configuration has tuples.
        if same_place and json.dumps(there, sort_keys=True) == json.dumps(here, sort_keys=True):
            return dataclasses.replace(row, folder=folder)
    return row
