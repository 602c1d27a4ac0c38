"""After a search or a comparison: the student to take, and the command that exports it."""

import dataclasses
import math
import pathlib

from kd_keras import commands, report, search
from kd_keras.choosing import images, timing
from kd_keras.gathering import trial_folders

__all__ = ["choose_trained"]


def choose_trained(config):
    """Name the student to take under a budget.

    Args:
        config: The `Config`: `evaluation.run` is the folder of a search or of a comparison,
            `budget` the limits.

    Returns:
        The text to print, and whether any student fits.

    Raises:
        FileNotFoundError: If the folder is none of a search or a comparison.
        ValueError: If nothing has finished in it, a file is damaged, or new times are asked for of
            a search.
    """
    folder = pathlib.Path(config.evaluation.run)
    trials = _read(folder, config)
    limits = {f"max_{quantity}": limit for quantity, limit in config.budget.limits.items()}
    choice = search.choose(trials, **limits)
    lines = [
        report.format_table(list(rank_rows(choice))),
        *_describe_unfinished(trials),
        "",
        *choice.sentences,
    ]
    if choice.student is not None:
        run = folder / choice.student.best_trial.folder
        lines += ["", "To write its files and check them:"]
        lines.append(commands.format_command("export", run=run))
    return "\n".join(lines), choice.student is not None


def _read(folder, config):
    if (folder / "search.json").is_file():
        trials = trial_folders.read_search(folder)
        _require_own_times(trials, config.choose)
        return trials
    if (folder / "comparison.json").is_file():
        trials, facts = trial_folders.read_comparison(folder)
        return _add_times(trials, facts, config)
    what = "No search or comparison in" if folder.is_dir() else "No folder at"
    raise FileNotFoundError(
        f"{what} {folder}. Expected search.json or comparison.json, which the commands search and "
        "compare write."
    )


def _require_own_times(trials, section):
    """Refuse what only students that are timed here can be asked for: a search timed its own."""
    timed = {trial.latency["threads"] for trial in trials if trial.latency}
    received = ["--measure_again"] if section.measure_again else []
    if section.threads not in {type(section)().threads, *timed}:
        received.append(f"--choose_threads={section.threads}")
    if received:
        threads = f", threads: {', '.join(map(str, sorted(timed)))}" if timed else ""
        raise ValueError(
            "A search is chosen from by the times that it measured itself, of its trained files"
            f"{threads}. Expected --run of a search without {' and '.join(received)}. Its files "
            "are timed anew at the end of the same search command, with other threads in a search "
            "of another --run_name and --latency_threads."
        )


def _add_times(trials, facts, config):
    """A comparison measures no times: those of its students' sizes are measured untrained."""
    students = {name: trial_folders.recorded_student(fact) for name, fact in facts.items()}
    students = {name: student for name, student in students.items() if not student.path}
    if not students:
        return trials
    seen = images.recorded_images(next(iter(facts.values())))
    directory = pathlib.Path(config.data.cache_directory).expanduser() / "latency"
    table = timing.open_table(directory, seen, threads=config.choose.threads)
    different = list({student.label: student for student in students.values()}.values())
    memory = "peak_memory_bytes" in config.budget.limits
    entries = table.obtain(different, memory=memory, again=config.choose.measure_again)
    entry_of = {entry.label: entry for entry in entries}
    return [
        _with_times(trial, entry_of[students[trial.name].label])
        if trial.name in students
        else trial
        for trial in trials
    ]


def _with_times(trial, entry):
    return dataclasses.replace(
        trial,
        size_bytes=entry.size_bytes,
        latency=entry.latency,
        peak_memory_bytes=entry.peak_memory_bytes,
    )


def rank_rows(choice):
    """A row for each candidate, those first that no other dominates in error and time.

    Args:
        choice: A `search.Choice`.

    Yields:
        Rows for `report.format_table`.
    """
    candidates = [*choice.fitting, *choice.beyond]
    timed = [c for c in candidates if c.quantity("latency_milliseconds") is not None]
    points = [[c.validation_error_percent, c.quantity("latency_milliseconds")] for c in timed]
    rank_of = {c: int(rank) for c, rank in zip(timed, search.ranks(points), strict=True)}
    order = sorted(candidates, key=lambda c: (rank_of.get(c, math.inf), c.validation_error_percent))
    for candidate in order:
        row = {
            "student": candidate.name,
            "rank": rank_of.get(candidate),
            "validation error %": candidate.validation_error_percent,
            "seeds": len(candidate.errors_percent),
            "test error %": candidate.test_error_percent,
            "ms": _write_time(candidate.quantity("latency_milliseconds")),
            "parameters": candidate.quantity("parameters"),
            "MB": _to_mega(candidate.quantity("size_bytes")),
            "MB of memory": _to_mega(candidate.quantity("peak_memory_bytes")),
        }
        if choice.limits:
            row["fits"] = candidate in choice.fitting
        yield row


def _write_time(milliseconds):
    return None if milliseconds is None else f"{milliseconds:.3f}"


def _to_mega(value):
    return None if value is None else value / 1e6


def _describe_unfinished(trials):
    yield "Rank 0: beaten by no other in both error and time."
    for trial in trials:
        if trial.status != "finished":
            reason = f": {trial.reason}" if trial.reason else "."
            yield f"{trial.name}, {search.name_candidate(trial.values)}, {trial.status}{reason}"
