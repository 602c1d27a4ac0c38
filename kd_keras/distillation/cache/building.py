"""Writing what an entry lacks, so that it can be broken off at any moment."""

import os
import shutil
import time
import zlib

from kd_keras.data import progress
from kd_keras.distillation.cache import entry as entries

__all__ = ["build"]

_COMMIT_SECONDS = 5.0  # that a broken-off build loses at most


def build(entry, respondent, record, *, views):
    """Ask the teacher for the rows that are not there yet.

    Rows are on the disk before the ledger counts them, so that a process which is killed, or a
    disk which is full, loses a few seconds of work and nothing else. What a killed process has
    written beyond the ledger is cut off.

    Args:
        entry: The `Entry`, which no other process may be writing.
        respondent: The `asking.Respondent`.
        record: How a row is kept.
        views: How many there are to be.

    Returns:
        How many rows were asked for.

    Raises:
        OSError: If there is not enough space on the disk.
        ValueError: If a logit cannot be kept, or the teacher gives too few of them.
    """
    start, total = entry.read_ledger().rows, views * entry.rows_per_view
    _require_space(entry, (total - start) * entry.manifest.record_bytes)
    manifest = entry.manifest
    first_pass, first_row = divmod(start, manifest.images)
    passes = [
        divmod(number, manifest.samples) for number in range(first_pass, views * manifest.samples)
    ]
    answers = respondent.answers(passes, batch_size=manifest.batch_size, first_row=first_row)
    pieces = ((logits,) for logits in answers)
    reported = progress.reported(pieces, total - start, "teacher cache")
    rows = (record.encode(logits) for (logits,) in reported)
    books = _Books(entry)
    while books.rows < total:
        before = books.rows
        _fill_shard(entry, rows, books, total)
        if books.rows == before:
            raise ValueError(
                f"The teacher's answers ended early. Expected {total} rows. Received: {before}. "
                "Ask it from one process, with --teacher_signal=live where there are several hosts."
            )
    return total - start


def _require_space(entry, needed):
    free = shutil.disk_usage(entry.folder).free
    if needed > free:
        raise OSError(
            f"Not enough space for the teacher's logits in {entry.folder}. Expected "
            f"{needed / 10**9:.2f} GB free. Received: {free / 10**9:.2f} GB. Make room, choose "
            "another disk with --cache_directory, keep less with --signal_top_k, or let views "
            "repeat with --views."
        )


def _fill_shard(entry, rows, books, total):
    """Write rows until the shard is full or all are written."""
    shard, row = entry.shard_of_row(books.rows)
    path = entry.shard_path(shard)
    path.touch()
    with open(path, "r+b") as file:
        file.truncate(row * entry.manifest.record_bytes)
        file.seek(0, os.SEEK_END)
        for piece in rows:
            file.write(piece)
            books.add(shard, piece)
            is_last = books.rows == total or books.starts_shard
            if is_last or books.are_due:
                books.commit(file)
            if is_last:
                return


class _Books:
    """The ledger of an entry that is being written."""

    def __init__(self, entry):
        self._entry = entry
        ledger = entry.read_ledger()
        self.rows = ledger.rows
        self._checksums, self._seconds = list(ledger.checksums), ledger.seconds
        self._committed_at = time.monotonic()

    @property
    def are_due(self):
        """Whether enough time has passed to write the ledger."""
        return time.monotonic() - self._committed_at >= _COMMIT_SECONDS

    @property
    def starts_shard(self):
        """Whether the next row is the first of a shard."""
        return self._entry.shard_of_row(self.rows)[1] == 0

    def add(self, shard, rows):
        """Count rows that were handed to a file."""
        if self.starts_shard:
            self._checksums[shard:] = [0]
        self._checksums[shard] = zlib.crc32(rows, self._checksums[shard])
        self.rows += len(rows)

    def commit(self, file):
        """Bring what was handed to the file onto the disk, and then the ledger."""
        file.flush()
        os.fsync(file.fileno())
        now = time.monotonic()
        self._seconds += now - self._committed_at
        self._committed_at = now
        self._entry.write_ledger(
            entries.Ledger(rows=self.rows, checksums=self._checksums, seconds=self._seconds)
        )
