"""Does the Pareto oracle find a better front than chance, at the same number of trials?

Run it with `python tests/benchmarks/search_benchmark.py`. Nothing is trained: the error and the
time of a student are formulas with its depth, width, learning rate, dropout and temperature in
them, so that a search takes seconds. The table shows the share of the volume that the
best known front dominates, the mean over the seeds and its standard error, after so many trials.
"""

import argparse
import contextlib
import math
import os
import pathlib
import statistics
import sys
import tempfile
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import numpy as np

from kd_keras import report, search, startup

AXES = (
    "student.depth=10,16,22,28,34,40",
    "student.width=1..10",
    "student.dropout=0..0.5",
    "training.learning_rate=0.001..1,log",
    "distillation.temperature=1..20,log",
)
ORACLES = ("random", "bayesian", "pareto")
REFERENCE = (60.0, 30.0)  # percent, milliseconds


def evaluate(values, generator):
    """Validation error and time of a made-up student, with the noise of a seed and of a clock."""
    depth, width = values["student.depth"], values["student.width"]
    parameters = (depth - 4) * width**2
    off = (
        (math.log10(values["training.learning_rate"]) + 1.0) ** 2
        + (3 * (values["student.dropout"] - 0.1 - 0.02 * width)) ** 2
        + (math.log(values["distillation.temperature"] / 4) / 2) ** 2
    )
    error = 4 + 40 / (1 + parameters) ** 0.3 + 12 * (1 - math.exp(-off))
    milliseconds = 0.1 + 0.02 * (depth - 4) * width**1.5
    return (
        error + 0.2 * generator.standard_normal(),
        milliseconds * math.exp(0.02 * generator.standard_normal()),
    )


def search_once(name, *, trials, seed):
    """The points that an oracle finds, in the order of its trials."""
    generator, points = np.random.default_rng(seed), []
    axes = search.parse_all(AXES)
    with tempfile.TemporaryDirectory() as folder:
        oracle = search.make_oracle(name, axes, trials=trials, seed=seed)
        tuner = search.Tuner(oracle, axes, folder)
        while (proposal := tuner.propose(0)) is not search.END:
            error, milliseconds = evaluate(proposal.values, generator)
            points.append((error, milliseconds))
            tuner.report(proposal, error_percent=error, latency_milliseconds=milliseconds)
    return points


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=48)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--oracles", nargs="*", default=ORACLES)
    arguments = parser.parse_args()
    startup.start_tensorflow()
    warnings.filterwarnings("ignore")
    found = {
        name: [
            search_once(name, trials=arguments.trials, seed=seed) for seed in range(arguments.seeds)
        ]
        for name in arguments.oracles
    }
    everything = [point for runs in found.values() for points in runs for point in points]
    best = search.hypervolume(everything, REFERENCE)
    rows = []
    for count in sorted({arguments.trials // 4, arguments.trials // 2, arguments.trials}):
        row = {"trials": count}
        for name, runs in found.items():
            shares = [search.hypervolume(points[:count], REFERENCE) / best for points in runs]
            row[f"{name} %"] = 100 * statistics.fmean(shares)
            with contextlib.suppress(statistics.StatisticsError):
                row[f"+- {name}"] = 100 * statistics.stdev(shares) / math.sqrt(len(shares))
        rows.append(row)
    print(f"{arguments.seeds} seeds, hypervolume up to {REFERENCE[0]:g}% and {REFERENCE[1]:g} ms")
    print(report.format_table(rows))


if __name__ == "__main__":
    main()
