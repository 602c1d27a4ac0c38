"""What is known of a trained student: its errors, its sizes, and how long its file takes."""

import csv
import dataclasses

from kd_keras import export, files
from kd_keras.config import Evaluation, Export
from kd_keras.searching import results

__all__ = ["count_within", "describe_run", "explain", "export_config", "time_trials"]

_FORMAT = "tflite_float32"
_REPEATS = 20


def export_config(config, folder):
    """The `Config` for the command `export` of a trial: one file, checked on validation.

    Args:
        config: The trial's, of `distill`.
        folder: Its `RunFolder`.
    """
    return dataclasses.replace(
        config,
        evaluation=Evaluation(run=str(folder.path), split="validation"),
        export=Export(formats=(_FORMAT,), latency_repeats=0),
    )


def explain(planned, trial, reason):
    """Why a trial failed.

    Args:
        planned: The `Plan`.
        trial: The `search.Trial`.
        reason: The last line of its process, which says little where a file failed its check.
    """
    path = planned.folder(trial.name).path / "exports" / "verdicts.json"
    if not path.is_file():
        return reason
    reasons = [why for verdict in files.read_json(path) for why in verdict["reasons"]]
    return f"Its file failed the check. {' '.join(reasons)}" if reasons else reason


def describe_run(planned, trial):
    """A trial whose run has ended well, without how long its file takes.

    Args:
        planned: The `Plan`.
        trial: The `search.Trial` as it was begun.

    Returns:
        The `search.Trial`, finished.

    Raises:
        ValueError, FileNotFoundError: If the run did not leave what it should.
    """
    folder = planned.folder(trial.name)
    figures = folder.read_metrics(names=("best_epoch", "epochs", "parameters", "multiply_adds"))
    tested = figures["best"]["top1_error_percent"] if figures["judged_on"] == "test" else None
    path = _file_of(planned, trial)
    return dataclasses.replace(
        trial,
        status="finished",
        epochs=figures["epochs"],
        validation_error_percent=_read_validation_error(folder, figures["best_epoch"]),
        test_error_percent=tested,
        parameters=figures["parameters"],
        multiply_adds=figures["multiply_adds"],
        size_bytes=path.stat().st_size,
        peak_memory_bytes=export.measure_peak_memory(
            path, num_threads=planned.section.latency_threads
        ),
        seconds=figures["training_seconds"],
    )


def _file_of(planned, trial):
    return planned.folder(trial.name).path / "exports" / f"{_FORMAT}.tflite"


def _read_validation_error(folder, epoch):
    with folder.history_path.open(newline="") as file:
        for row in csv.DictReader(file):
            if int(row["epoch"]) == epoch and row.get("val_accuracy"):
                return 100 * (1 - float(row["val_accuracy"]))
    raise ValueError(
        f"No validation accuracy of epoch {epoch} in {folder.history_path}. Expected the column "
        "val_accuracy."
    )


def time_trials(planned, trials, *, pause_seconds=0.0):
    """Time the files of finished trials side by side, and write down what was found.

    Args:
        planned: The `Plan`.
        trials: `search.Trial`s.
        pause_seconds: Between two rounds, so that they see more of the machine's moods.

    Returns:
        Those that were timed, with the new `latency`, in their order.

    Raises:
        ValueError, FileNotFoundError: If a file cannot be run.
    """
    paths = {trial.name: _file_of(planned, trial) for trial in trials}
    timings = export.measure_in_turn(
        paths.values(),
        num_threads=planned.section.latency_threads,
        rounds=planned.section.latency_rounds,
        repeats=_REPEATS,
        pause_seconds=pause_seconds,
    )
    timed = [
        dataclasses.replace(trial, latency=_describe(timings[paths[trial.name]]))
        for trial in trials
    ]
    for trial in timed:
        results.write_trial(planned, trial)
    return timed


def _describe(timing):
    return {
        "format": _FORMAT,
        "threads": timing.num_threads,
        "batch": 1,
        "median_milliseconds": timing.median_milliseconds,
        "p95_milliseconds": timing.percentile95_milliseconds,
        "upper_milliseconds": timing.upper_milliseconds,
        "runs": timing.runs,
    }


def count_within(before, after):
    """How many of the trials that were timed twice differ by no more than the spread stated first.

    The spread is from the time to the 95th percentile of the calls. That of a minute's rounds is
    too narrow: a machine that others share changes its speed by more from one minute to another.

    Args:
        before: `search.Trial`s.
        after: The same, timed again.

    Returns:
        How many did, and how many there are.
    """
    first = {trial.name: trial.latency for trial in before if trial.latency}
    pairs = [(first[t.name], t.latency_milliseconds) for t in after if t.name in first]
    within = [
        abs(median - latency["median_milliseconds"])
        <= latency["p95_milliseconds"] - latency["median_milliseconds"]
        for latency, median in pairs
    ]
    return sum(within), len(within)
