"""Finished models to look at: what is recorded of the runs that they came from, their teachers.

How a run is named and told from others is in `runs`.
"""

import dataclasses
import pathlib

from kd_keras import files, runs, training
from kd_keras.config import from_dictionary

__all__ = ["Subject", "find_subject", "find_teacher", "read_record", "recorded_data"]

_LEVELS = 3  # the model's folder and those above it in which its record may lie


@dataclasses.dataclass(frozen=True)
class Subject:
    """A finished model to look at.

    Attributes:
        path: Its file or folder.
        config: The configuration with the data that the model was trained on.
        teacher_path: Its teacher's file, which need not be there any more, or None where none is
            known.
        record: Of the run that it came from, as `config.json` has it; empty where there is none.
    """

    path: pathlib.Path
    config: object
    teacher_path: pathlib.Path | None
    record: dict = dataclasses.field(default_factory=dict, repr=False)


def find_subject(config):
    """Find the model of `--run` or `--model`, and the data of the run that it came from.

    The data is that of the run's record, which lies beside the model or above it; where it lies
    on this machine may be told anew. A model without a record is looked at on the data of the
    flags.

    Raises:
        ValueError: If neither is given.
        FileNotFoundError: If there is no such model, or no teacher at the place that is told.
    """
    section = config.evaluation
    if not (section.run or section.model):
        raise ValueError(
            "Nothing to look at. Expected --run=FOLDER, a run's folder under "
            f"{config.run.output_directory}, or --model=FILE."
        )
    path = _require_model(section.run or section.model, "model", "a run's folder").absolute()
    record, folder = _find_record(path)
    if config.teacher.path:
        teacher_path = _require_model(config.teacher.path, "teacher", "its run's folder")
    else:
        teacher_path = find_teacher(record, folder, folder.parent.parent)
        teacher_path = teacher_path or record.get("teacher")
    if record:
        config = recorded_data(record, config)
    return Subject(path, config, teacher_path and pathlib.Path(teacher_path), record)


def _require_model(path, what, folder):
    path = runs.find_model(path)
    if not path.exists():
        raise FileNotFoundError(f"No {what} at {path}. Expected {folder} or a model's file.")
    return path


def _find_record(path):
    """The record beside a model or above it, and its folder."""
    for folder in list(path.parents)[:_LEVELS]:
        record = read_record(folder)
        if record:
            return record, folder
    return {}, path.parent


def read_record(folder):
    """What the run of a folder has written down of itself: its `config.json`.

    Args:
        folder: Any folder.

    Returns:
        The dictionary; empty where there is none, or where the file is another program's.

    Raises:
        ValueError: If the folder is a run's, and its record is damaged.
    """
    folder = training.RunFolder(folder)
    if not folder.config_path.is_file():
        return {}
    try:
        record = files.read_json(folder.config_path)
    except ValueError:
        if folder.history_path.is_file():
            raise
        return {}
    return record if _is_of_a_run(record) else {}


def _is_of_a_run(record):
    if not isinstance(record, dict) or "class_names" not in record:
        return False
    parts = record.get("identity"), record.get("config")
    return all(isinstance(part, dict) for part in parts) and "data" in record["config"]


def recorded_data(record, config):
    """The configuration with the data of a run; where that lies here may be told anew.

    Args:
        record: The run's `config.json`.
        config: The configuration, whose data section tells the place.

    Returns:
        The configuration with the run's data section.
    """
    section = from_dictionary({"data": record["config"]["data"]}).data
    here = {"download", "cache_directory", "memory_limit_gigabytes"}
    here |= {"data_directory"} if config.data.data_directory else set()
    location = {name: getattr(config.data, name) for name in here}
    return dataclasses.replace(config, data=dataclasses.replace(section, **location))


def find_teacher(record, folder, *beside):
    """The file of a run's teacher: where the record says, or in a run's folder near it.

    Args:
        record: The run's `config.json`.
        folder: The run's folder.
        *beside: Folders whose subfolders are searched too, as when all runs have been moved.

    Returns:
        The path, or None where the run has no teacher or it cannot be found.
    """
    told = record.get("teacher")
    if not told:
        return None
    told = pathlib.Path(told)
    near = (pathlib.Path(folder).parent, *beside)
    candidates = [told, *(place / told.parent.name / told.name for place in near)]
    return next((path for path in candidates if path.is_file()), None)
