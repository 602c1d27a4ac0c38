"""One process at a time: the operating system's lock on a file.

What is kept for one process, and what the others are told, stands where a lock is asked for.
"""

import contextlib
import errno
import os
import pathlib
import socket

import filelock

__all__ = ["InUse", "lock"]

_NO_LOCKS_HERE = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)
_POLL_SECONDS = 0.2


class InUse(BlockingIOError):
    """Another process holds the lock.

    Args:
        holder: What it calls itself.

    Attributes:
        holder: Likewise.
    """

    def __init__(self, holder):
        super().__init__(f"In use by {holder}.")
        self.holder = holder


def lock(path, *, wait=None):
    """Keep other processes out until the lock is released or this process ends.

    The lock vanishes with its process, however that ends. The file stays, and names the process
    that locked it last. On a file system without locks there is none.

    Args:
        path: The file. It is made, and its folder.
        wait: Called with the name of the process that holds the lock, before that process's end
            is waited for; None: there is no wait.

    Returns:
        A context manager whose end, or whose `close()`, releases the lock that is held already.

    Raises:
        InUse: If another process holds it and there is to be no wait.

    Example:
        >>> import tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "lock"
        >>> with lock(file):
        ...     file.read_text() == _own_name()
        True
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # With a hook it does not take the file's existence for the lock where there is no other.
    file_lock = filelock.FileLock(path, on_acquired=_sign)
    held = contextlib.ExitStack()
    try:
        try:
            held.enter_context(file_lock.acquire(timeout=0))
        except filelock.Timeout:
            holder = _read_name(path)
            if wait is None:
                raise InUse(holder) from None
            wait(holder)
            held.enter_context(file_lock.acquire(poll_interval=_POLL_SECONDS))
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
