"""Running what a comparison lacks, in processes of their own: teacher, stored answers, rows."""

import dataclasses
import time

from kd_keras import processes, runs, tasks
from kd_keras.config import Cache
from kd_keras.durations import format_duration
from kd_keras.files import read_json

__all__ = ["build_caches", "find_teacher", "run_rows"]


def find_teacher(comparison):
    """The teacher's file; where none has been trained it is trained first.

    Returns:
        Its path, or None where no method looks at a teacher.

    Raises:
        FileNotFoundError: If the teacher was named and is not there.
        ChildProcessError: If it cannot be trained.
    """
    if not comparison.needs_teacher:
        return None
    path = runs.teacher_path(comparison.config)
    if not path.is_file():
        if comparison.config.teacher.path:
            raise FileNotFoundError(
                f"No teacher at {path}. Expected a .keras file or the folder of a finished run."
            )
        print(f"No teacher at {path.parent} yet: it is trained first.", flush=True)
        _run_one("the teacher", "train_teacher", comparison.config, comparison)
    print(f"teacher: {path}", flush=True)
    return path


def build_caches(comparison):
    """Ask the teacher once for what unfinished rows are to hear of it, where that is kept.

    Raises:
        ChildProcessError: If the answers cannot be stored.
    """
    needed = {}
    for row in comparison.rows:
        config = row.config
        if row.folder.finished or not config.distillation.needs_teacher:
            continue
        if config.signal.source != "live":
            needed.setdefault((config.signal, config.training), config)
    for config in needed.values():
        run = dataclasses.replace(config.run, seed=comparison.config.run.seed, name="")
        config = dataclasses.replace(config, run=run, cache=Cache(action="build"))
        _run_one("the teacher's answers", "cache", config, comparison)


def _run_one(name, command, config, comparison):
    task = tasks.make_task(name, command, config, folder=comparison.path)
    [ending] = processes.run([task], listener=_Passing())
    if ending.status:
        raise ChildProcessError(
            f"{command} failed: {ending.reason.removeprefix('main.py: ')} Its output is in "
            f"{task.log_path}."
        )


class _Passing(processes.Listener):
    """Shows what a process prints, as its own."""

    def printed(self, task, line):
        print(line, flush=True)

    def stopping(self):
        print("\nStopping; what was learned is being saved.", flush=True)


def run_rows(comparison, *, jobs, after_row):
    """Run the rows that are not finished.

    Args:
        comparison: The `Comparison`.
        jobs: Processes at once. A single one shows its lines.
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
    progress = _Progress(rows, len(comparison.rows), jobs, after_row)
    waiting = (
        tasks.make_task(row.name, "distill", row.config, folder=row.folder.path) for row in rows
    )
    # More processes than rows would leave their shares of the machine unused.
    processes.run(waiting, jobs=max(1, min(jobs, len(rows))), listener=progress)
    return progress.failures


class _Progress(_Passing):
    """Says how far the rows are, and keeps why some failed."""

    def __init__(self, rows, total, jobs, after_row):
        self.failures = {}
        self._rows = {row.name: row for row in rows}
        self._total = total
        self._jobs = jobs
        self._after_row = after_row
        self._left = len(rows)
        self._started = time.monotonic()

    def started(self, task):
        print(f"{task.name}: begins", flush=True)

    def printed(self, task, line):
        if self._jobs == 1:
            print(f"  {task.name} | {line.strip()}", flush=True)

    def ended(self, ending):
        row = self._rows[ending.task.name]
        self._left -= 1
        if row.folder.finished:
            result = _describe_error(read_json(row.folder.metrics_path))
        else:
            reason = ending.reason.removeprefix("main.py: ")
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
