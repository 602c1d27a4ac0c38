"""Commands as tasks for processes of their own, which `kd_keras.worker` runs."""

import os
import pathlib
import sys

import kd_keras
from kd_keras import files, processes

__all__ = ["make_task"]


def make_task(name, command, config, *, folder, then=()):
    """Write down a command for a worker.

    Args:
        name: What it is, for those who are told.
        command: The command's name.
        config: Its `Config`.
        folder: Where the file `<command>.task.json` and the log `<command>.log` go.
        then: Pairs of a further command and its `Config`, which the same process runs if the
            one before it gave the status 0.

    Returns:
        The `processes.Task`.

    Example:
        >>> import tempfile
        >>> from kd_keras.config import Config
        >>> task = make_task("teacher", "train_teacher", Config(), folder=tempfile.mkdtemp())
        >>> task.log_path.name
        'train_teacher.log'
    """
    folder = pathlib.Path(folder)
    path = folder / f"{command}.task.json"
    steps = [
        {"command": step, "config": of_step.to_dictionary()}
        for step, of_step in ((command, config), *then)
    ]
    task = {"steps": steps, "command_line": sys.argv[1:]}
    files.write_json(path, task)
    package = str(pathlib.Path(kd_keras.__file__).parents[1])
    search_path = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(search_path), "PYTHONUNBUFFERED": "1"}
    # A program that is started, not a module that is imported.
    words = (sys.executable, "-m", f"{kd_keras.__name__}.worker", str(path))
    log_path = folder / f"{command}.log"
    return processes.Task(name, words, log_path, environment, config.training.devices)
