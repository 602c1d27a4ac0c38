"""What saves memory, and what it costs: `python -m tests.benchmarks.memory_benchmark`.

A process for each way of training, with the most memory that it has had at once and the median
time of a step. What the process needs before it trains is taken off. The graph of a step is in
it, and that of a batch in parts is larger: parts save memory only where batches are large.
"""

import json
import subprocess
import sys

from kd_keras import machine, report
from tests.benchmarks import setting, turns

WAYS = {
    "as it is": {},
    "micro_batches 4": {"micro_batches": 4},
    "checkpoint_gradients": {"checkpoint_gradients": True},
    "both": {"micro_batches": 4, "checkpoint_gradients": True},
}


def train(arguments):
    """Train in one way in this process; write its figures to standard output."""
    network = setting.make_network(arguments.student, precision=arguments.precision, dropout=0.3)
    distiller = setting.make_distiller(network, xla=arguments.xla, **WAYS[arguments.way])
    features, labels = setting.make_batch(arguments.batch_size)
    fit = setting.time_fit(distiller, setting.repeat_batch(features["image"], labels))
    before = machine.peak_memory_bytes()
    seconds = turns.measure({"step": fit}, rounds=arguments.rounds, count=arguments.steps)
    figures = {
        "peak_memory_bytes": machine.peak_memory_bytes() - before,
        "seconds": turns.medians(seconds)["step"],
    }
    print(json.dumps(figures))


def measure(words):
    """The figures of every way, each from a process of its own.

    Args:
        words: Of this module's command line.
    """
    figures = {}
    for way in WAYS:
        command = [sys.executable, "-m", "tests.benchmarks.memory_benchmark", f"--way={way}"]
        finished = subprocess.run([*command, *words], stdout=subprocess.PIPE, text=True, check=True)
        figures[way] = json.loads(finished.stdout.splitlines()[-1])
    return figures


def main():
    """Print the table."""
    parser = setting.make_parser(__doc__, rounds=2, steps=2, batch_size=256)
    parser.add_argument("--student", default="16-2", help="depth-width")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--xla", action="store_true")
    parser.add_argument("--way", choices=WAYS, help="this one alone, in this process")
    arguments = parser.parse_args()
    if arguments.way:
        train(arguments)
        return
    figures = measure(sys.argv[1:])
    plain = figures["as it is"]
    rows = [
        {
            "way": way,
            "MB": found["peak_memory_bytes"] / 10**6,
            "of the plain": found["peak_memory_bytes"] / plain["peak_memory_bytes"],
            "step ms": 1000 * found["seconds"],
            "times the plain": found["seconds"] / plain["seconds"],
        }
        for way, found in figures.items()
    ]
    print(f"WRN-{arguments.student}, batch {arguments.batch_size}, {arguments.precision}")
    print(report.format_table(rows))


if __name__ == "__main__":
    main()
