"""Searches that are planned and not run, and what a finished trial of one leaves."""

import dataclasses

from kd_keras import files, search, searching
from kd_keras.config import Config, Data, Distillation, Run, Search, Training

SCRATCH = Distillation(loss=(), adversarial_weight=0.0)


def make_config(folder, *, axes=("student.width=1,2,4",), name="some", section=None, **sections):
    """A configuration of a search in a folder, of students without a teacher."""
    described = Config(
        run=Run(output_directory=str(folder), name=name),
        data=Data(dataset="synthetic"),
        distillation=SCRATCH,
        training=Training(epochs=2),
        search=Search(axes=axes, **(section or {})),
    )
    return dataclasses.replace(described, **sections)


def plan(folder, **words):
    """Plan it."""
    return searching.plan(make_config(folder, **words))


def finish(planned, name, *, error=5.0, milliseconds=1.0, values=None, **words):
    """A finished trial with its record."""
    trial = search.Trial(
        name=name,
        values=values or {"student.width": 1},
        status="finished",
        folder=name,
        epochs=2,
        validation_error_percent=error,
        test_error_percent=error + 1,
        parameters=1000,
        multiply_adds=2000,
        size_bytes=3000,
        latency=make_latency(milliseconds),
        seconds=60.0,
    )
    trial = dataclasses.replace(trial, **words)
    files.write_json(planned.path / name / "trial.json", dataclasses.asdict(trial))
    return trial


def make_latency(milliseconds):
    """What is known of a file's time."""
    return {
        "format": "tflite_float32",
        "threads": 1,
        "batch": 1,
        "median_milliseconds": milliseconds,
        "p95_milliseconds": 1.5 * milliseconds,
        "upper_milliseconds": 1.2 * milliseconds,
        "runs": 140,
    }
