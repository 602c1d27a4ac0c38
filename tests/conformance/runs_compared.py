"""Real processes of the program, and whether two run folders came out equal to the bit."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np

from kd_keras.training import archive

ROOT = pathlib.Path(__file__).parents[2]

# What differs from process to process.
_OF_A_PROCESS = ("training_seconds", "seconds", "peak_memory_bytes")


def launch(moment, words):
    """Start the program in a process that the driver strikes at a moment."""
    # Sums of floating-point numbers depend on how many threads share them.
    threads = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    processor_alone = {"CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.kill_driver", moment, *words],
        cwd=ROOT,
        env={**os.environ, **threads, **processor_alone},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(moment, words):
    """Run the program to its end, whatever that is.

    Returns:
        The exit status, and what it wrote to standard output and standard error.
    """
    with launch(moment, words) as process:
        out, err = process.communicate()
    return process.returncode, out, err


def kill_after(seconds, words):
    """Run the program and kill it after some time, if it has not come to its end."""
    with launch("none", words) as process:
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def contents(folder):
    """Everything in a run's folder that must not depend on where the run was interrupted.

    Returns:
        Dictionary from a name to plain values or lists of arrays.
    """
    found = {"files": sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())}
    for path in (folder / "checkpoints").glob("*.npz"):
        groups, meta = archive.read_arrays(path, advice="")
        found[f"{path.name}: what is known"] = _of_any_process(meta)
        found |= {f"{path.name}: {name}": arrays for name, arrays in groups.items()}
    found["history.csv"] = (folder / "history.csv").read_bytes()
    figures = json.loads((folder / "metrics.json").read_text())
    found["metrics.json"] = _of_any_process(figures)
    found["identity"] = json.loads((folder / "config.json").read_text())["identity"]
    for path in folder.parent.rglob("views-*.bin"):
        found[f"{path.name} of the cache"] = path.read_bytes()
        ledger = json.loads((path.parent / "ledger.json").read_text())
        found["the cache's ledger"] = _of_any_process(ledger)
    for path in folder.glob("*.keras"):
        found[f"{path.name}: weights"] = keras.models.load_model(path).get_weights()
    return found


def _of_any_process(values):
    return {name: value for name, value in values.items() if name not in _OF_A_PROCESS}


def differences(first, second):
    """Names of what is not equal, to the bit, in two results of `contents`."""
    names = sorted(set(first) | set(second))
    return [n for n in names if n not in first or n not in second or not _same(first[n], second[n])]


def _same(first, second):
    if isinstance(first, list) and first and isinstance(first[0], np.ndarray):
        pairs = zip(first, second, strict=True)
        return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)
    return first == second


def count_compared(found):
    """How many arrays and other parts there are, to see that something was compared."""
    arrays = sum(len(v) for v in found.values() if isinstance(v, list) and _is_arrays(v))
    return arrays, len(found)


def _is_arrays(values):
    return bool(values) and isinstance(values[0], np.ndarray)
