"""All entries of a cache directory: which there are, finding one by its name, removing one."""

import dataclasses
import datetime
import pathlib
import re
import shutil

from kd_keras import registry
from kd_keras.distillation.cache import locking
from kd_keras.distillation.cache.entry import Entry

__all__ = [
    "KEY_LENGTH",
    "Summary",
    "find_by_key",
    "find_entry",
    "find_request",
    "remove_entry",
    "root_of",
    "summarize_entries",
]

KEY_LENGTH = 16  # hexadecimal digits of the fingerprint at the end of an entry's name
_NAME = re.compile(rf".+-[0-9a-f]{{{KEY_LENGTH}}}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
    """One entry in a few words.

    Attributes:
        name: The folder's name.
        views: How many are complete; None where the entry is damaged.
        images: Of each view; likewise.
        kept: What is kept of the logits, in words; likewise.
        size_bytes: Of all its files.
        changed: When a file of it was last written.
        damage: Why it cannot be used, or "".
    """

    name: str
    views: int | None
    images: int | None
    kept: str | None
    size_bytes: int
    changed: datetime.datetime
    damage: str = ""


def root_of(directory):
    """The folder of the entries in the directory of all caches."""
    return pathlib.Path(directory).expanduser() / "teacher_logits"


def _folders(root):
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and _NAME.fullmatch(path.name))


def find_by_key(root, key):
    """The folder whose name ends in the beginning of a fingerprint, or None.

    A folder without files is none: a process that is killed at its very start leaves it.
    """
    found = [path for path in _folders(root) if path.name.endswith(f"-{key}")]
    return next((path for path in found if any(path.glob("[!.]*"))), None)


def find_entry(directory, beginning):
    """The folder of the one entry whose name begins like this.

    Args:
        directory: Of all caches.
        beginning: Of the name, or the whole name.

    Returns:
        The folder. What is in it may be damaged.

    Raises:
        ValueError: If no entry or several begin like this.
    """
    names = {path.name: path for path in _folders(root_of(directory))}
    if beginning in names:
        return names[beginning]
    found = [name for name in names if name.startswith(beginning)]
    if not found:
        raise registry.unknown_name("cache_entry", names or ["none"], beginning)
    if len(found) > 1:
        raise ValueError(
            f"Ambiguous cache_entry. Expected the beginning of one name. Received: {beginning}, "
            f"with which {', '.join(found)} begin."
        )
    return names[found[0]]


def find_request(directory, request):
    """The folder of the entry that answers a request.

    Raises:
        FileNotFoundError: If there is none.
    """
    root = root_of(directory)
    folder = find_by_key(root, request.fingerprint[:KEY_LENGTH])
    if folder is None:
        raise FileNotFoundError(
            f"No stored logits in {root} for these flags. Expected an entry whose name ends in "
            f"{request.fingerprint[:KEY_LENGTH]}. Build it with the same flags: python main.py "
            "cache --cache_action=build; or name another: --cache_entry=NAME."
        )
    return folder


def summarize_entries(directory):
    """Summaries of all entries, sorted by name. Their files are not checked."""
    return [_summarize(folder) for folder in _folders(root_of(directory))]


def _summarize(folder):
    # Without hidden files: those are being written, and gone in a moment.
    status = [path.stat() for path in (folder, *folder.glob("[!.]*"))]
    outside = {
        "name": folder.name,
        "size_bytes": sum(entry.st_size for entry in status[1:]),
        "changed": datetime.datetime.fromtimestamp(max(entry.st_mtime for entry in status)),
    }
    try:
        entry = Entry(folder)
        views = entry.count_views(entry.read_ledger())
    except ValueError as error:
        return Summary(**outside, views=None, images=None, kept=None, damage=str(error))
    manifest = entry.manifest
    return Summary(**outside, views=views, images=manifest.images, kept=manifest.kept)


def remove_entry(folder):
    """Remove an entry, damaged or not.

    Args:
        folder: The entry's.

    Raises:
        OSError: If a process is building it, or its files cannot be removed.
    """
    with locking.hold(folder.parent, folder.name[-KEY_LENGTH:], wait=False):
        shutil.rmtree(folder)
