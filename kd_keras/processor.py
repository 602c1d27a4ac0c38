"""What the processor can do, as far as Linux tells."""

import functools
import pathlib

__all__ = ["capabilities"]


@functools.cache
def capabilities():
    """The processor's capabilities by Linux's names, `amx_bf16` for one; none where unknown.

    Example:
        >>> isinstance(capabilities(), frozenset)
        True
    """
    path = pathlib.Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    # x86 says flags, Arm says Features.
    found = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, "").split())
