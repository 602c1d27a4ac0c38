"""One process at a time in a folder."""

import contextlib
import errno
import os
import pathlib
import socket

import filelock

__all__ = ["lock_folder"]

_NO_LOCKS_HERE = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


def lock_folder(path):
    """Keep other processes out of a folder until the lock is released or this process ends.

    The lock is the operating system's on a file `.lock`, so that it vanishes with its process,
    however that ends. The file stays, and names the process that locked it last. On a file system
    without locks there is none.

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
        ...     (pathlib.Path(folder) / ".lock").read_text() == _own_name()
        True
    """
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    file = path / ".lock"
    lock = filelock.FileLock(file, timeout=0, on_acquired=_sign)
    held = contextlib.ExitStack()
    try:
        held.enter_context(lock.acquire())
    except filelock.Timeout:
        raise ValueError(
            f"The folder {path} is in use by {_read_name(file)}. Wait for its end, or choose "
            "another --run_name."
        ) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise
    return held


def _own_name():
    return f"process {os.getpid()} on {socket.gethostname()}"


def _sign(descriptor):
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, _own_name().encode(), 0)


def _read_name(file):
    # The other process may just have locked it and not have signed it yet.
    return file.read_text(errors="replace") or "another process"
