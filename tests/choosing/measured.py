"""Times that nobody has measured, in the place of those that this machine would take."""

from kd_keras import config
from kd_keras.choosing import timing

MILLISECONDS = {(10, 1): 0.5, (10, 2): 0.9, (16, 1): 1.1, (16, 2): 1.9}


def make_entry(student, measured="2030-01-01 00:00:00"):
    """What the measurement of a student might give; each more takes its time from the table."""
    depth, width = student.depth, student.width
    milliseconds = MILLISECONDS[depth, width]
    return timing.Entry(
        label=student.label,
        depth=depth,
        width=width,
        parameters=1000 * depth * width**2,
        multiply_adds=10**6 * depth * width**2,
        size_bytes=4000 * depth * width**2,
        latency={
            "format": "tflite_float32",
            "threads": 1,
            "batch": 1,
            "median_milliseconds": milliseconds,
            "p95_milliseconds": 1.1 * milliseconds,
            "upper_milliseconds": 1.05 * milliseconds,
            "runs": 140,
            "round_medians_milliseconds": [factor * milliseconds for factor in (0.95, 1.0, 1.05)],
        },
        peak_memory_bytes=None,
        measured=measured,
    )


class FakeMeasurement:
    """Takes the place of `Table._measure`, and keeps what it was asked for."""

    def __init__(self):
        self.calls = []

    def __call__(self, table, students, folder, memory):
        self.calls.append([student.label for student in students])
        return [make_entry(student, f"measurement {len(self.calls)}") for student in students]


def replace_measurement(monkeypatch):
    """Let nothing be measured; returns the `FakeMeasurement`."""
    fake = FakeMeasurement()
    monkeypatch.setattr(timing.startup, "start_tensorflow", lambda: None)
    monkeypatch.setattr(timing.Table, "_measure", lambda table, *arguments: fake(table, *arguments))
    return fake


def make_config(cache_directory, *, depths=(10, 16), widths=(1, 2), **sections):
    """The configuration of `choose` before training."""
    return config.Config(
        data=config.Data(dataset="synthetic", cache_directory=str(cache_directory)),
        choose=config.Choose(depths=depths, widths=widths),
        **sections,
    )
