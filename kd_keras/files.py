"""Files that are whole or not there: written beside their place, then moved into it."""

import contextlib
import json
import os
import pathlib

__all__ = ["open_atomically", "read_json", "save_model", "write_json"]


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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    text = {} if "b" in mode else {"newline": "", "encoding": "utf-8"}
    try:
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


def read_json(path):
    """Read a JSON file.

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
        raise ValueError(f"Damaged file {path}. Expected JSON. Received: {error}.") from None


def save_model(model, path):
    """Save a Keras model as one `.keras` file, atomically.

    Raises:
        OSError: If the disk is full; an older file at `path` is still there.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.partial.{path.name}")
    try:
        model.save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
