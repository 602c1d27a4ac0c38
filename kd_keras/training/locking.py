"""One process at a time in a run's folder."""

import pathlib

from kd_keras import locking

__all__ = ["IN_USE", "lock_folder"]

# By these words of its message a process that started another knows why that one ended.
IN_USE = "is in use by"


def lock_folder(path):
    """Keep other processes out of a folder until the lock is released or this process ends.

    The lock is `locking.lock` on a file `.lock`.

    Args:
        path: The folder. It is made.

    Returns:
        A context manager whose end, or whose `close()`, releases the lock that is held already.

    Raises:
        ValueError: If another process holds it. The message names it.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with lock_folder(folder):
        ...     (pathlib.Path(folder) / ".lock").read_text().startswith("process ")
        True
    """
    path = pathlib.Path(path)
    try:
        return locking.lock(path / ".lock")
    except locking.InUse as error:
        raise ValueError(
            f"The folder {path} {IN_USE} {error.holder}. Wait for its end, or choose "
            "another --run_name."
        ) from None
