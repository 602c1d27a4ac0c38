"""Running what a comparison lacks, in processes of their own: teacher, stored answers, rows."""

import dataclasses
import time

from kd_keras import groundwork, preflight, processes, tasks, training
from kd_keras.durations import format_duration
from kd_keras.files import read_json

__all__ = ["build_caches", "find_teacher", "require_possible", "run_rows"]

_RETRY_SECONDS = 5.0


def require_possible(comparison):
    """See, before anything is trained, that the rows that are not finished can be.

    Raises:
        FileNotFoundError, ValueError: As `preflight.require_possible`, with the method's label.
    """
    waiting = {row.label: row.config for row in comparison.rows if not row.folder.finished}
    if waiting:
        preflight.start()
    for label, config in waiting.items():
        try:
            preflight.require_possible(config)
        except (FileNotFoundError, ValueError) as error:
            raise type(error)(f"Method {label}: {error}") from None


def find_teacher(comparison):
    """The teacher's file; where none has been trained it is trained first.

    Returns:
        Its path, or None where no method looks at a teacher.

    Raises:
        FileNotFoundError, ChildProcessError: As `groundwork.find_teacher`.
    """
    if not comparison.needs_teacher:
        return None
    return groundwork.find_teacher(comparison.config, comparison.path)


def build_caches(comparison):
    """Ask the teacher once for what unfinished rows are to hear of it, where that is kept.

    Raises:
        ChildProcessError: If the answers cannot be stored.
    """
    configs = (
        dataclasses.replace(row.config, run=comparison.config.run)
        for row in comparison.rows
        if not row.folder.finished
    )
    groundwork.build_caches(configs, comparison.path)


def run_rows(comparison, *, jobs, after_row):
    """Run the rows that are not finished.

    Args:
        comparison: The `Comparison`.
        jobs: Processes at once. A single one shows its lines, of several each one a minute.
        after_row: Called after each row with the failures so far.

    Returns:
        Why rows failed, by label and seed.
    """
    rows = [row for row in comparison.rows if not row.folder.finished]
    print(
        f"{comparison.name}: methods x seeds = {len(comparison.methods)} x "
        f"{len(comparison.seeds)} = {len(comparison.rows)} rows, "
        f"{len(comparison.rows) - len(rows)} of them finished",
        flush=True,
    )
    # More processes than rows would leave their shares of the machine unused.
    jobs = max(1, min(jobs, len(rows)))
    progress = _Progress(rows, len(comparison.rows), jobs, after_row)
    while rows:
        waiting = (
            tasks.make_task(row.name, "distill", row.config, folder=row.folder.path) for row in rows
        )
        processes.run(waiting, jobs=jobs, listener=progress)
        rows = progress.take_waiting()
        if rows:
            time.sleep(_RETRY_SECONDS)
    return progress.failures


class _Progress(groundwork.Naming):
    """Says how far the rows are, and keeps why some failed."""

    def __init__(self, rows, total, jobs, after_row):
        super().__init__(jobs)
        self.failures = {}
        self._rows = {row.name: row for row in rows}
        self._total = total
        self._after_row = after_row
        self._left = len(rows)
        self._started = time.monotonic()
        self._waiting = []

    def take_waiting(self):
        """The rows that another process still worked on, to be tried again."""
        rows, self._waiting = self._waiting, []
        return rows

    def started(self, task):
        print(f"{task.name}: begins", flush=True)

    def ended(self, ending):
        row = self._rows[ending.task.name]
        reason = ending.reason.removeprefix("main.py: ")
        if training.IN_USE in reason:
            # A killed comparison leaves a process that still saves.
            print(f"{row.name}: waits: {reason}", flush=True)
            self._waiting.append(row)
            return
        self._left -= 1
        if row.folder.finished:
            result = _describe_error(read_json(row.folder.metrics_path))
        else:
            self.failures[row.label, row.seed] = reason
            result = f"FAILED: {reason} ({ending.task.log_path})"
        print(
            f"{row.name}: {result}, {format_duration(ending.seconds)}; {self._describe_rest()}",
            flush=True,
        )
        self._after_row(self.failures)

    def _describe_rest(self):
        done = len(self._rows) - self._left
        seconds = (time.monotonic() - self._started) / done * self._left
        rest = f", about {format_duration(seconds)} left" if self._left else ""
        return f"{self._total - self._left} of {self._total} rows done{rest}"


def _describe_error(figures):
    error = figures.get("best", {}).get("top1_error_percent")
    return "finished" if error is None else f"error {error:.2f}%"
