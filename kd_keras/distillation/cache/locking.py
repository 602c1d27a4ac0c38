"""The right to write an entry, which one process has at a time."""

import contextlib

from kd_keras import locking

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
    try:
        held = locking.lock(root / f".{key}.lock", wait=_tell if wait else None)
    except locking.InUse as error:
        raise BlockingIOError(
            f"The teacher cache {key} is being built by {error.holder}. Wait for its end, or stop "
            "it."
        ) from None
    with held:
        yield


def _tell(holder):
    print(f"  teacher cache: waiting for {holder}, which builds it", flush=True)
