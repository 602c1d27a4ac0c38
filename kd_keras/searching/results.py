"""What the trials of a search came to: their records, tables and sentences.

A trial's own record lies in its folder, so that several machines can write at once; `search.json`
is put together from these.
"""

import csv
import dataclasses
import io

from kd_keras import files, machine, processor, report, runs, search
from kd_keras.searching.planning import identity_of

__all__ = ["collect", "describe", "describe_front", "write", "write_tables", "write_trial"]

_RECORD = "trial.json"
_OBJECTIVES = ("validation_error_percent", "latency.median_milliseconds")
_TIMES = ("ms", "to", "95% ms")


def write_trial(planned, trial):
    """Write a trial's own record, atomically."""
    files.write_json(planned.path / trial.name / _RECORD, dataclasses.asdict(trial))


def collect(planned):
    """The trials that there are records of.

    Args:
        planned: The `Plan`.

    Returns:
        A list of `search.Trial`, in the order of their names.

    Raises:
        ValueError: If a record is damaged.
    """
    trials = []
    for path in sorted(planned.path.glob(f"*/{_RECORD}")):
        try:
            trials.append(search.Trial(**files.read_json(path, "Remove it.")))
        except TypeError as error:
            raise ValueError(f"Damaged file {path}: {error}. Remove it.") from None
    return trials


def write(planned, teacher_path):
    """Write `search.json`.

    Args:
        planned: The `Plan`.
        teacher_path: The teacher's file, or None.

    Returns:
        The `search.Trial`s in it.
    """
    trials = collect(planned)
    search.write(
        planned.path,
        trials,
        name=planned.name,
        axes=identity_of(planned)["search.axes"],
        objectives=list(_OBJECTIVES),
        oracle=planned.section.oracle,
        machine=f"{processor.name()}, {machine.count_processors()} processors",
        teacher=None if teacher_path is None else str(teacher_path),
        dataset=planned.config.data.dataset,
        command_line=runs.command_line(),
    )
    return trials


def write_tables(planned, trials):
    """Write `search.md` and `search.csv`."""
    rows, sentences = _rows(trials), describe_front(trials)
    table = io.StringIO()
    if rows:
        writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    lines = [f"# {planned.name}", "", "```", runs.command_line(), "```", ""]
    lines += [report.format_markdown(_with_digits(rows)), ""] if rows else []
    lines += [f"- {line}" for line in (*sentences, *_describe_others(trials))]
    for suffix, text in (("csv", table.getvalue()), ("md", "\n".join(lines) + "\n")):
        with files.open_atomically(planned.path / f"search.{suffix}") as file:
            file.write(text)


def describe(trials):
    """The table and the sentences for the screen.

    Args:
        trials: `search.Trial`s.

    Returns:
        The text.
    """
    rows = _rows(trials)
    table = [report.format_table(_with_digits(rows)), ""] if rows else []
    return "\n".join([*table, *_describe_others(trials), *describe_front(trials)])


def _rows(trials):
    """One for each finished trial, the front first and the most accurate first in it."""
    candidates, ranks = _rank(trials)
    rank_of = {
        trial.name: int(rank)
        for candidate, rank in zip(candidates, ranks, strict=True)
        for trial in candidate.trials
    }
    finished = [trial for trial in trials if trial.name in rank_of]
    finished.sort(key=lambda trial: (rank_of[trial.name], trial.validation_error_percent))
    return [_row(trial, rank_of[trial.name]) for trial in finished]


def _row(trial, rank):
    latency, memory = trial.latency, trial.peak_memory_bytes
    return {
        "trial": trial.name,
        "student": search.name_candidate(trial.values),
        "seed": trial.seed,
        "epochs": trial.epochs,
        "rank": rank,
        "validation error %": trial.validation_error_percent,
        "test error %": trial.test_error_percent,
        "ms": latency["median_milliseconds"],
        "to": latency["upper_milliseconds"],
        "95% ms": latency["p95_milliseconds"],
        "parameters": trial.parameters,
        "multiply-adds": trial.multiply_adds,
        "kB": trial.size_bytes / 1000,
        "memory kB": None if memory is None else memory / 1000,
        "training s": trial.seconds,
    }


def _with_digits(rows):
    """Rows to read: small networks take less than a tenth of a millisecond."""
    return [{**row, **{name: f"{row[name]:.3f}" for name in _TIMES}} for row in rows]


def _rank(trials):
    """The students that were timed, all seeds of one together, and their ranks."""
    candidates = search.gather_candidates([trial for trial in trials if trial.latency])
    return candidates, search.ranks(_points(candidates)) if candidates else []


def _points(candidates):
    return [[c.validation_error_percent, c.quantity("latency_milliseconds")] for c in candidates]


def _describe_others(trials):
    for trial in trials:
        if trial.status in ("failed", "skipped"):
            student = search.name_candidate(trial.values)
            yield f"{trial.name} {student}: {trial.status}: {trial.reason}"


def describe_front(trials):
    """Who is on the front, in sentences.

    Args:
        trials: `search.Trial`s.

    Returns:
        A list of sentences.
    """
    candidates, ranks = _rank(trials)
    if not candidates:
        return ["No student has been trained and timed."]
    front = [c for c, rank in zip(candidates, ranks, strict=True) if rank == 0]
    front.sort(key=lambda candidate: candidate.validation_error_percent)
    points = _points(candidates)
    worst = [max(values) for values in zip(*points, strict=True)]
    told = ", ".join(map(_tell, front))
    students = "1 student" if len(candidates) == 1 else f"{len(candidates)} students"
    are = "is" if len(front) == 1 else "are"
    return [
        f"Of {students}, {len(front)} {are} beaten by none in both validation error and time for "
        f"one image: {told}.",
        f"Hypervolume up to {worst[0]:.2f}% and {worst[1]:.3g} ms, the worst of each: "
        f"{search.hypervolume(points, worst):.4g} %ms.",
    ]


def _tell(candidate):
    milliseconds = candidate.quantity("latency_milliseconds")
    return f"{candidate.name} ({candidate.validation_error_percent:.2f}%, {milliseconds:.3g} ms)"
