"""The right to write an entry, which one process has at a time.

The lock is the operating system's: it is free again when its process ends, however it ends.
"""

import contextlib
import os
import socket

import filelock

from kd_keras import files

__all__ = ["hold"]


@contextlib.contextmanager
def hold(root, key, *, wait=True):
    """Hold the right to write the entry of a fingerprint, and wait for it where need be.

    Args:
        root: Folder of the entries.
        key: The end of the entry's name.
        wait: Whether to wait for the process that holds it.

    Yields:
        Nothing.

    Raises:
        OSError: If another process holds it and there is to be no wait.
    """
    root.mkdir(parents=True, exist_ok=True)
    lock, note = filelock.FileLock(root / f".{key}.lock"), root / f".{key}.json"
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        holder = _read_holder(note)
        if not wait:
            raise BlockingIOError(
                f"The teacher cache {key} is being built by {holder}. Wait for its end, or stop it."
            ) from None
        print(f"  teacher cache: waiting for {holder}, which builds it", flush=True)
        lock.acquire(poll_interval=0.2)
    try:
        files.write_json(note, {"process": os.getpid(), "host": socket.gethostname()})
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _read_holder(note):
    try:
        holder = files.read_json(note)
        return f"process {holder['process']} on {holder['host']}"
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        # It has only just begun, or is about to end.
        return "another process"
