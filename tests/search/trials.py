"""Trials that nobody has trained, for the tests of what is made of them."""

from kd_keras.search import records


def make_trial(depth, width, error, milliseconds=None, *, seed=0, spread=0.0, **changes):
    """A finished trial of a WRN; its size follows from depth and width."""
    latency = None
    if milliseconds is not None:
        latency = {
            "format": "tflite_float32",
            "threads": 1,
            "batch": 1,
            "median_milliseconds": milliseconds,
            "p95_milliseconds": 1.2 * milliseconds,
            "upper_milliseconds": milliseconds + spread,
            "runs": 5,
        }
    values = {
        "name": f"{depth:02d}{width}{seed}",
        "values": {"student.depth": depth, "student.width": width},
        "status": "finished",
        "seed": seed,
        "folder": f"trials/{depth}-{width}-{seed}",
        "epochs": 3,
        "validation_error_percent": error,
        "test_error_percent": None if error is None else error + 0.5,
        "parameters": 1000 * depth * width**2,
        "multiply_adds": 10**5 * depth * width**2,
        "size_bytes": 4000 * depth * width**2,
        "latency": latency,
        "seconds": 60.0,
    }
    return records.Trial(**(values | changes))


def make_search():
    """A search of six students, one of which failed and one of which was skipped."""
    return [
        make_trial(10, 1, 14.0, 0.5, spread=0.05),
        make_trial(10, 2, 10.0, 1.0, spread=0.1),
        make_trial(10, 4, 8.0, 3.0, spread=0.2),
        make_trial(16, 1, 12.0, 0.9, spread=0.1),
        make_trial(16, 2, 9.0, 1.8, spread=0.3),
        make_trial(16, 4, 7.0, 5.0, spread=0.2),
        make_trial(22, 1, None, status="failed", reason="Ended by SIGKILL."),
        make_trial(22, 4, None, status="skipped", reason="Too many parameters."),
    ]
