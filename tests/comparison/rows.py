"""Finished rows without training: the files that a run leaves, with figures of the test's own."""

import dataclasses

from kd_keras import comparison, files, runs
from kd_keras.config import Compare, Config, Data, Run

METHODS = (
    ("from scratch", (("distillation.loss", ()), ("distillation.adversarial_weight", 0.0))),
    ("adversarial", ()),
)


def make_config(directory, *, methods=METHODS, seeds=(0, 1), name="some", **sections):
    """A configuration of a comparison in a folder."""
    return Config(
        run=Run(output_directory=str(directory), name=name),
        data=Data(dataset="synthetic"),
        compare=Compare(methods=methods, seeds=seeds),
        **sections,
    )


def plan(directory, **words):
    """Plan it."""
    return comparison.plan(make_config(directory, **words))


def finish(row, error, *, data="d", teacher="t", last=None, precision="float32"):
    """Write what a finished run of a row leaves, on a machine that chose its precision."""
    identity = {"command": "distill", "data": data}
    if row.config.distillation.needs_teacher:
        identity["teacher"] = teacher
    identity |= runs.settings_with_effect(row.config, runs.OF_A_STUDENT)
    identity |= {"training.precision": precision, "training.xla": "no"}
    files.write_json(
        row.folder.config_path, {"identity": identity, "config": row.config.to_dictionary()}
    )
    files.write_json(
        row.folder.metrics_path,
        {
            "best_epoch": 2,
            "judged_on": "test",
            "num_examples": 1000,
            "best": {"top1_error_percent": error},
            "last": {"top1_error_percent": error if last is None else last},
            "parameters": 1_000,
            "multiply_adds": 2_000,
            "size_bytes": 3_000,
            "training_seconds": 60.0,
        },
    )


def write_teacher(directory, content=b"teacher"):
    """Write a file in the place of a teacher; returns its path."""
    path = directory / "teacher.keras"
    path.write_bytes(content)
    return path


def with_changed(config, section, **values):
    """The configuration with other values of a section."""
    changed = dataclasses.replace(getattr(config, section), **values)
    return dataclasses.replace(config, **{section: changed})
