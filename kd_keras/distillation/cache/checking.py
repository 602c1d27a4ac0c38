"""Whether an entry holds what it says: its bytes, and what the teacher says of some of them."""

import zlib

import numpy as np

from kd_keras.data import progress
from kd_keras.distillation.cache.asking import Respondent
from kd_keras.distillation.cache.entry import Entry, damaged
from kd_keras.distillation.cache.reading import map_shards

__all__ = ["check_answers", "check_entry", "check_files"]

_PIECE_BYTES = 2**24
_ROWS_ASKED = 32
# Of a row's largest logit. Far more than storage (11 bits), another device (TensorFloat-32 of a
# GPU has 11 bits) or another batch makes of the same computation, far less than another teacher or
# another view does.
_TOLERANCE = 2.0**-6
_TOLERANCE_IN_LOW_PRECISION = 2.0**-3
_LOW_PRECISIONS = {"bfloat16", "float16"}


def check_entry(folder, request=None):
    """See that an entry is whole, and that it answers a request.

    Args:
        folder: The entry's.
        request: The `Request`, or None to look at the files alone.

    Returns:
        The `Entry`.

    Raises:
        ValueError: If it cannot be used, with the reason and the command that removes it.
    """
    entry = Entry(folder)
    if request is not None:
        entry.require(request)
    check_files(entry)
    if request is not None:
        check_answers(entry, Respondent(request), request)
    return entry


def check_files(entry):
    """Compare every byte of an entry with the checksums of its ledger, about a gigabyte a second.

    Args:
        entry: The `Entry`.

    Raises:
        ValueError: If a file is missing, too short, or damaged.
    """
    ledger = entry.read_ledger()
    counts = entry.rows_by_shard(ledger.rows)
    if len(ledger.checksums) != len(counts):
        raise damaged(
            entry.folder,
            f"Its ledger.json is damaged. Expected {len(counts)} checksums. "
            f"Received: {len(ledger.checksums)}.",
        )
    for shard, count in enumerate(counts):
        _require_length(entry, shard, count)
    checksums = [0] * len(counts)
    pieces = _pieces(map_shards(entry, ledger.rows))
    for rows, shard in progress.reported(pieces, ledger.rows, "checking the teacher cache"):
        checksums[shard] = zlib.crc32(rows, checksums[shard])
    for shard, checksum in enumerate(checksums):
        if checksum != ledger.checksums[shard]:
            raise damaged(
                entry.folder,
                f"Its {entry.shard_path(shard).name} is damaged. Expected the checksum "
                f"{ledger.checksums[shard]}. Received: {checksum}.",
            )


def _require_length(entry, shard, count):
    path, expected = entry.shard_path(shard), count * entry.manifest.record_bytes
    length = path.stat().st_size if path.exists() else 0
    if length < expected:
        raise damaged(
            entry.folder,
            f"Its {path.name} is too short. Expected {expected} bytes. Received: {length}.",
        )


def _pieces(shards):
    for shard, rows in enumerate(shards):
        step = max(1, _PIECE_BYTES // rows.shape[1])
        for start in range(0, len(rows), step):
            yield rows[start : start + step], shard


def check_answers(entry, respondent, request, *, generator=None):
    """Ask the teacher again about some rows, and compare.

    Where its dropout is active that is a whole batch, because the masks belong to it, else a few
    rows. Which ones is drawn anew each time.

    Args:
        entry: The `Entry`, whose files are right.
        respondent: The `asking.Respondent`.
        request: The `Request`.
        generator: A NumPy generator that draws the place.

    Raises:
        ValueError: If the logits of an image differ by more than the computation explains.
    """
    manifest, rows = entry.manifest, entry.read_ledger().rows
    batches = -(-manifest.images // manifest.batch_size)
    passes, rest = divmod(rows, manifest.images)
    available = passes * batches + rest // manifest.batch_size
    if not available:
        return
    number = (generator or np.random.default_rng()).integers(available)
    number, batch = divmod(int(number), batches)
    first_row = batch * manifest.batch_size
    batch_size = manifest.batch_size
    if not request.is_random:
        batch_size = min(batch_size, _ROWS_ASKED)
    asked = respondent.answers(
        [divmod(number, manifest.samples)], batch_size=batch_size, first_row=first_row
    )
    logits = next(asked)
    shard, row = entry.shard_of_row(number * manifest.images + first_row)
    kept = map_shards(entry, rows)[shard][row : row + len(logits)]
    _compare(entry, request, request.record.deviation(kept, logits), logits)


def _compare(entry, request, deviations, logits):
    is_low = _LOW_PRECISIONS & _precisions(request.teacher)
    tolerance = _TOLERANCE_IN_LOW_PRECISION if is_low else _TOLERANCE
    # Below 1 a logit decides nothing.
    relative = deviations / np.maximum(np.abs(logits).max(axis=-1), 1.0)
    if not relative.max() <= tolerance:
        raise damaged(
            entry.folder,
            f"The teacher says something else of {(~(relative <= tolerance)).sum()} of "
            f"{len(logits)} images. Expected a difference of {tolerance:.3f} of the largest logit "
            f"at most. Received: {relative.max():.3f}.",
        )


def _precisions(model):
    layers = model._flatten_layers(include_self=False, recursive=True)
    return {layer.compute_dtype for layer in layers}
