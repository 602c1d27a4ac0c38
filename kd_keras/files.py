"""Files that are whole or not there: written beside their place, then moved into it.

What is being written is called `.NAME.PID.partial`, after the process that writes it.
"""

import contextlib
import errno
import json
import os
import pathlib
import re
import shutil

__all__ = ["open_atomically", "read_json", "remove_partial", "save_model", "write_json"]

_PARTIAL = re.compile(r"\..+\.(?P<process>\d+)\.partial(\.\w+)?")


def _partial_path(path, suffix=""):
    return path.with_name(f".{path.name}.{os.getpid()}.partial{suffix}")


@contextlib.contextmanager
def _named(path, temporary):
    """Errors of the disk name the file that was asked for; by themselves they name none."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_partial(folder):
    """Remove what killed processes were writing when they ended, in a folder and those below.

    What a process that is still running writes stays. A leftover with this process's own number
    is of an earlier one: call it before anything is written.

    Args:
        folder: The folder. It need not exist.

    Example:
        >>> import tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> (folder / f".last.npz.{os.getpid()}.partial").touch()
        >>> remove_partial(folder)
        >>> list(folder.iterdir())
        []
    """
    for path in list(pathlib.Path(folder).rglob(".*.partial*")):
        match = _PARTIAL.fullmatch(path.name)
        if match is None or _runs_elsewhere(int(match["process"])):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _runs_elsewhere(process):
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it is another user's
    return True


@contextlib.contextmanager
def open_atomically(path, mode="w"):
    """Open a file that takes its place only when it is complete and on the disk.

    Args:
        path: Where it is to be. Its folder is made.
        mode: `"w"` or `"wb"`.

    Yields:
        The open file.

    Raises:
        OSError: If the disk is full or the folder cannot be written. What stood at `path` is
            still there.

    Example:
        >>> import tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with open_atomically(folder / "a.txt") as file:
        ...     _ = file.write("whole")
        >>> [entry.name for entry in folder.iterdir()]
        ['a.txt']
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _partial_path(path)
    text = {} if "b" in mode else {"newline": "", "encoding": "utf-8"}
    try:
        with _named(path, temporary):
            with open(temporary, mode, **text) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path, value):
    """Write a value as indented JSON, atomically."""
    with open_atomically(path) as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def read_json(path, advice=""):
    """Read a JSON file.

    Args:
        path: The file.
        advice: What to do if it is damaged, one sentence.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No file at {path}.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        message = f"Damaged file {path}. Expected JSON. Received: {error}. {advice}"
        raise ValueError(message.rstrip()) from None


def save_model(model, path):
    """Save a Keras model as one `.keras` file, atomically.

    Raises:
        OSError: If the disk is full; an older file at `path` is still there.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Keras writes large weights twice, once alone, and its HDF5 library ends the process with a
    # segmentation fault if the disk is full then.
    if shutil.disk_usage(path.parent).free < 2 * sum(w.nbytes for w in model.get_weights()):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    temporary = _partial_path(path, path.suffix)  # Keras asks for its own suffix
    try:
        with _named(path, temporary):
            model.save(temporary)
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
