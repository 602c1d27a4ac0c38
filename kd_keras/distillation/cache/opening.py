"""From a request to a signal: the entry is found, checked and completed, and all of it is said."""

import re
import time

from kd_keras.distillation.cache import locking
from kd_keras.distillation.cache.asking import Respondent
from kd_keras.distillation.cache.building import build
from kd_keras.distillation.cache.catalogue import KEY_LENGTH, find_by_key, root_of
from kd_keras.distillation.cache.checking import check_answers, check_files
from kd_keras.distillation.cache.entry import Entry
from kd_keras.distillation.cache.reading import CachedSignal
from kd_keras.durations import format_duration

__all__ = ["open_signal"]

_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def open_signal(request, directory, *, views, label="teacher", seed=0):
    """Find or build the stored logits of a teacher.

    What is found is checked: every byte, and some rows by asking the teacher again. What is
    missing is built by one process, while others that want the same wait for it. An entry with
    fewer views is extended.

    Args:
        request: The `Request`.
        directory: Of all caches; `~` stands for the home folder.
        views: How many views are needed; 1 where the request has no augmentation.
        label: Readable beginning of a new entry's name.
        seed: Of the choice among several samples, from 0 to 2^31 - 1.

    Returns:
        A `CachedSignal`.

    Raises:
        ValueError: If what is found is damaged or of something else, with the command that
            removes it; or if a logit cannot be kept.
        OSError: If there is not enough space on the disk.
    """
    root, key = root_of(directory), request.fingerprint[:KEY_LENGTH]
    respondent = Respondent(request)
    entry = _find_complete(root, key, request, views)
    if entry is not None:
        _check(entry, respondent, request)
        _say_found(entry, views)
    else:
        with locking.hold(root, key):
            entry = _complete(root, key, request, respondent, views=views, label=label)
    return CachedSignal(
        entry,
        request.record,
        views=views,
        is_plain=request.augmentation is None,
        seed=seed,
    )


def _find_complete(root, key, request, views):
    """The entry, where it can be read without the right to write it."""
    folder = find_by_key(root, key)
    if folder is None:
        return None
    entry = Entry(folder)
    entry.require(request)
    return entry if entry.count_views(entry.read_ledger()) >= views else None


def _check(entry, respondent, request):
    check_files(entry)
    check_answers(entry, respondent, request)


def _complete(root, key, request, respondent, *, views, label):
    folder = find_by_key(root, key)
    if folder is None:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-.") or "teacher"
        entry = Entry.create(root / f"{name}-{key}", request)
    else:
        entry = Entry(folder)
        entry.require(request)
        _check(entry, respondent, request)
    found = entry.count_views(entry.read_ledger())
    if found >= views:
        # Another process has built it in the meantime.
        _say_found(entry, views)
        return entry
    _say_sum(entry, request, views)
    if found:
        _say_found(entry, found)
    started = time.monotonic()
    build(entry, respondent, request.record, views=views)
    print(f"  teacher cache: built in {format_duration(time.monotonic() - started)}", flush=True)
    return entry


def _say_sum(entry, request, views):
    manifest = entry.manifest
    answers = f" x {manifest.samples} answers" if manifest.samples > 1 else ""
    rows = views * entry.rows_per_view
    size = rows * manifest.record_bytes
    plain = rows * manifest.classes * 4
    saved = f", {_format_size(plain - size)} less than float32 of all classes" * (plain > size)
    print(
        f"  teacher cache: {_count_views(views)}{answers} x {manifest.images:,} images x "
        f"{manifest.kept}: {_format_size(size)}{saved}, in {entry.folder}",
        flush=True,
    )


def _say_found(entry, views):
    size = views * entry.rows_per_view * entry.manifest.record_bytes
    ledger = entry.read_ledger()
    seconds = ledger.seconds * views * entry.rows_per_view / ledger.rows
    print(
        f"  teacher cache: {_count_views(views)} found ({_format_size(size)}); saves about "
        f"{format_duration(seconds)} of teacher time",
        flush=True,
    )


def _count_views(views):
    return f"{views:,} view{'s' * (views != 1)}"


def _format_size(size_bytes):
    for unit, name in _UNITS:
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"
