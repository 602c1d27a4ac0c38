"""What the processor can do, as far as Linux tells."""

import functools
import pathlib
import platform

__all__ = ["capabilities", "name"]

_PATH = pathlib.Path("/proc/cpuinfo")


@functools.cache
def capabilities():
    """The processor's capabilities by Linux's names, `amx_bf16` for one; none where unknown.

    Example:
        >>> isinstance(capabilities(), frozenset)
        True
    """
    return frozenset(_find("flags", "Features").split())  # as x86 says it, and as Arm does


@functools.cache
def name():
    """What the processor is called, as far as the system tells; else its architecture.

    Example:
        >>> len(name()) > 0
        True
    """
    return _find("model name", "Model") or platform.processor() or platform.machine()


def _find(*keys):
    """What Linux says after the first line that begins with one of the keys, or ""."""
    lines = _PATH.read_text().splitlines() if _PATH.is_file() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(keys))
    return next(found, "")
