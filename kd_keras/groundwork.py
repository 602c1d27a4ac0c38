"""What several students share and is made before the first of them: the teacher and its answers.

Each is made in a process of its own, by the ordinary command.
"""

import dataclasses
import hashlib
import time

from kd_keras import files, processes, runs, tasks
from kd_keras.config import Cache

__all__ = [
    "TEACHER_FILE",
    "Naming",
    "Passing",
    "build_caches",
    "claim_teacher",
    "find_teacher",
]

TEACHER_FILE = "teacher.json"
_SECONDS_BETWEEN_LINES = 60.0


class Passing(processes.Listener):
    """Shows what a process prints, as its own."""

    def printed(self, task, line):
        """Print the line."""
        print(line, flush=True)

    def stopping(self):
        """Say so."""
        print("\nStopping; what was learned is being saved.", flush=True)


class Naming(Passing):
    """Shows what processes print, each with its name.

    Every line of one that runs alone; of several at once, at most one line a minute from each, so
    that they can be read and nobody waits before a screen that stands still.

    Args:
        jobs: Processes at once.
    """

    def __init__(self, jobs):
        self._jobs = jobs
        self._shown = {}  # when a process was last heard, by its name

    def printed(self, task, line):
        """Print the line with the process's name, or leave it out."""
        now = time.monotonic()
        waited = now - self._shown.setdefault(task.name, now)
        if self._jobs == 1 or waited >= _SECONDS_BETWEEN_LINES:
            self._shown[task.name] = now
            print(f"  {task.name} | {line.strip()}", flush=True)


def find_teacher(config, folder):
    """The teacher's file; where none has been trained it is trained first.

    Args:
        config: The `Config`.
        folder: Where the task and its log are kept.

    Returns:
        Its path.

    Raises:
        FileNotFoundError: If the teacher was named and is not there.
        ValueError: If one that was not named learned from another split of the images.
        ChildProcessError: If it cannot be trained.
    """
    path = runs.teacher_path(config)
    if not path.is_file():
        if config.teacher.path:
            raise FileNotFoundError(
                f"No teacher at {path}. Expected a .keras file or the folder of a finished run."
            )
        print(f"No teacher at {path.parent} yet: it is trained first.", flush=True)
        _run_one("the teacher", "train_teacher", config, folder)
    runs.require_same_images(config, path)
    print(f"teacher: {path}", flush=True)
    return path


def claim_teacher(folder, path, *, what):
    """Write down which teacher a folder's students have, or see that it is still the same.

    Args:
        folder: The folder.
        path: The teacher's file; None where no student hears one, and nothing is done.
        what: What the folder is of, for the message: `"comparison"`.

    Raises:
        ValueError: If the teacher's file has changed since the work began, or what was written
            down is damaged.
    """
    if path is None:
        return
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    record_path = folder / TEACHER_FILE
    if not record_path.is_file():
        files.write_json(record_path, {"path": str(path), "sha256": digest})
    there = files.read_json(record_path)
    if not isinstance(there, dict) or not {"path", "sha256"} <= there.keys():
        raise ValueError(
            f"Damaged file {record_path}. Expected the path and the SHA-256 of a teacher. Remove "
            f"it if the {what} has this teacher: {path}."
        )
    if there["sha256"] != digest:
        raise ValueError(
            f"The {what} {folder} was begun with another teacher. Expected the one "
            f"that was at {there['path']}, SHA-256 {there['sha256'][:16]}. Received: {path}, "
            f"{digest[:16]}. Choose another --run_name."
        )


def build_caches(configs, folder):
    """Ask the teacher once for what students are to hear of it, where that is kept.

    Args:
        configs: The students' `Config`s, with the run's seed and name of the whole.
        folder: Where the tasks and their log are kept.

    Raises:
        ChildProcessError: If the answers cannot be stored.
    """
    needed = {}
    for config in configs:
        if config.distillation.needs_teacher and config.signal.source != "live":
            needed.setdefault((config.signal, config.data, config.training), config)
    for config in needed.values():
        config = dataclasses.replace(config, cache=Cache(action="build"))
        _run_one("the teacher's answers", "cache", config, folder)


def _run_one(name, command, config, folder):
    task = tasks.make_task(name, command, config, folder=folder)
    [ending] = processes.run([task], listener=Passing())
    if ending.status:
        raise ChildProcessError(
            f"{command} failed: {ending.reason.removeprefix('main.py: ')} Its output is in "
            f"{task.log_path}."
        )
