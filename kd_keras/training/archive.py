"""Named lists of arrays, with plain values beside them, in one file."""

import json
import zipfile

import numpy as np

from kd_keras.files import open_atomically

__all__ = ["read_arrays", "write_arrays"]

_META = "meta"
# A flipped bit may call for a later version of the format (a RuntimeError), or for a password; what
# is one array and no archive cannot be opened as a context.
_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    EOFError,
    zipfile.BadZipFile,
)


def write_arrays(path, groups, meta):
    """Write lists of arrays, atomically.

    Args:
        path: The file, a NumPy archive.
        groups: Lists of arrays by name, which is without digits.
        meta: Plain values to keep with them.

    Raises:
        OSError: If the disk is full; an older file at `path` is still there.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.npz"
        >>> write_arrays(path, {"weight": [np.zeros(2), np.ones(3)]}, {"epoch": 1})
        >>> groups, meta = read_arrays(path, advice="Remove it.")
        >>> groups["weight"][1], meta
        (array([1., 1., 1.]), {'epoch': 1})
    """
    named = {
        f"{group}{index:05d}": _storable(array)
        for group, arrays in groups.items()
        for index, array in enumerate(arrays)
    }
    encoded = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    with open_atomically(path, "wb") as file:
        np.savez(file, **named, **{_META: encoded})


def read_arrays(path, *, advice):
    """Read what `write_arrays` wrote.

    Args:
        path: The file.
        advice: What to do if it is damaged, one sentence.

    Returns:
        The lists of arrays by name, empty ones missing, and the plain values. An array of a type
        that is not NumPy's own, such as bfloat16, comes as unsigned integers of the same bits.

    Raises:
        ValueError: If the file is damaged or not there.
    """
    groups = {}
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            meta = json.loads(file[_META].tobytes())
            for name in sorted(set(file.files) - {_META}):
                groups.setdefault(name.rstrip("0123456789"), []).append(file[name])
    except _UNREADABLE as error:
        raise ValueError(f"Damaged checkpoint {path}. Received: {error}. {advice}") from None
    return groups, meta


def _storable(array):
    native = array.dtype.isbuiltin == 1
    return array if native else array.view(f"u{array.dtype.itemsize}")
