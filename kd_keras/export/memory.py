"""How much memory a `.tflite` file takes to run: in a process of its own, without TensorFlow.

As a program, `python -m kd_keras.export.memory FILE THREADS`, it is that process.
"""

import os
import pathlib
import subprocess
import sys

import kd_keras

__all__ = ["measure_peak_memory"]

_STATUS = pathlib.Path("/proc/self/status")
_RESET_PEAK = pathlib.Path("/proc/self/clear_refs"), "5"
_RUNS = 3


def measure_peak_memory(path, *, num_threads=1):
    """The most memory that running a file takes, beyond what Python and the runtime do.

    A new process opens the file with the interpreter alone, runs an image, and asks Linux for the
    highest resident size since then. The weights are in it, as far as they were read.

    Args:
        path: Of a `.tflite` file with a fixed image size.
        num_threads: Of the interpreter.

    Returns:
        Bytes; None where the operating system does not tell.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If the file cannot be read or run.

    Example:
        >>> measure_peak_memory("none.tflite")
        Traceback (most recent call last):
        FileNotFoundError: No model at none.tflite. Expected a .tflite file.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No model at {path}. Expected a .tflite file.")
    package = pathlib.Path(kd_keras.__file__).parents[1]
    search_path = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    ended = subprocess.run(
        [sys.executable, "-m", __name__, str(path.absolute()), str(num_threads)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(search_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or [f"status {ended.returncode}"])[-1]
        raise ValueError(f"Cannot measure the memory of {path}: {reason}")
    words = ended.stdout.split()
    return int(words[-1]) if words else None


def _read_bytes(name):
    """A size from the process's status."""
    lines = _STATUS.read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"{name}:")]
    return 1024 * int(line.split()[1])


def _main(path, num_threads):
    import numpy as np

    from kd_keras.export import tflite

    try:
        before = _read_bytes("VmRSS")
        _RESET_PEAK[0].write_text(_RESET_PEAK[1])
    except (OSError, ValueError):
        before = None
    opened = tflite.read_tflite(pathlib.Path(path), num_threads=int(num_threads))
    image = np.zeros((opened.image_shape[0] or 1, *opened.input_shape), np.float32)
    for _ in range(_RUNS):
        opened.run(image)
    if before is not None:
        print(_read_bytes("VmHWM") - before)


if __name__ == "__main__":
    _main(*sys.argv[1:])
