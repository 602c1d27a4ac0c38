"""How long until the program answers: `python -m tests.benchmarks.start_benchmark`.

Whole processes, in turn: help, a mistake, importing TensorFlow and Keras alone, and a training
until its first epoch of one step is told.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

from kd_keras import report
from tests.benchmarks import turns

ROOT = pathlib.Path(__file__).parents[2]
MAIN = [sys.executable, "main.py"]
# An epoch of one step, and nothing after it but the next one.
TRAINING = [
    *MAIN,
    "train_teacher",
    "--dataset=synthetic",
    "--validation_fraction=0",
    "--batch_size=128",
    "--epochs=1000",
    "--teacher_depth=10",
    "--teacher_width=1",
    "--output_directory=FOLDER",
]


def time_process(words, until=""):
    """The function that times a process to its end, or until it writes a line with a text."""

    def run(count):
        for _ in range(count):
            with tempfile.TemporaryDirectory() as folder:
                _run([word.replace("FOLDER", folder) for word in words], until)

    return turns.timed(run)


def _run(words, until):
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(words, cwd=ROOT, **quiet) as process:
        for line in process.stdout:
            if until and until in line:
                process.kill()
                return
    if until:
        raise RuntimeError(f"It ended without writing {until}.")


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each")
    arguments = parser.parse_args()
    variants = {
        "python": time_process([sys.executable, "-c", "pass"]),
        "--help": time_process([*MAIN, "--help"]),
        "distill --help": time_process([*MAIN, "distill", "--help"]),
        "a mistake": time_process([*MAIN, "distill", "--epochs=0"]),
        "importing keras": time_process([sys.executable, "-c", "import keras"]),
        "the first step": time_process(TRAINING, until="epoch    1/1000"),
    }
    seconds = turns.measure(variants, rounds=arguments.rounds)
    print(report.format_table(turns.compare(seconds, "importing keras", label="until the end of")))


if __name__ == "__main__":
    main()
