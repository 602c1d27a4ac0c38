"""Draws docs/quickstart.svg: the test error of the quickstart's students over several seeds.

for seed in 0 1 2 3 4; do python main.py quickstart --seed=$seed; done
pip install -e '.[figures]' && python docs/draw_quickstart.py
"""

import json
import pathlib
import statistics
import sys

import matplotlib
from matplotlib import pyplot

matplotlib.rcParams.update({"svg.hashsalt": "kd_keras", "svg.fonttype": "none", "font.size": 12})

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEACHER = "digits-wide_resnet-16-2-teacher"
METHODS = {
    "from scratch": "supervised",
    "soft targets": "supervised-soft_target",
    "adversarial": "supervised-logit_l1-adversarial",
}


def read(runs, name):
    """The figures of a finished run."""
    return json.loads((runs / name / "metrics.json").read_text())


def main(runs=ROOT / "saved_models", seeds=5):
    """Draw the figure and print the numbers in it."""
    runs = pathlib.Path(runs)
    teacher = read(runs, TEACHER)
    students = {
        label: [read(runs, f"digits-wide_resnet-10-1-{method}-seed{seed}") for seed in range(seeds)]
        for label, method in METHODS.items()
    }
    figure, axes = pyplot.subplots(figsize=(8, 2.8))
    for row, (label, results) in enumerate(students.items()):
        errors = [result["best"]["top1_error_percent"] for result in results]
        mean, deviation = statistics.mean(errors), statistics.stdev(errors)
        spread = [row + 0.12 * (i - (seeds - 1) / 2) / seeds * 4 for i in range(seeds)]
        axes.plot(errors, spread, "o", color="#4c78a8", alpha=0.6)
        axes.plot([mean, mean], [row - 0.35, row + 0.35], color="#e45756", linewidth=3)
        print(f"{label}: {mean:.2f} +/- {deviation:.2f} ({', '.join(f'{e:.2f}' for e in errors)})")
    error = teacher["best"]["top1_error_percent"]
    axes.axvline(error, color="#54a24b", linestyle="--")
    parameters = students["adversarial"][0]["parameters"]
    axes.set_yticks(range(len(METHODS)), [f"student, {label}" for label in METHODS])
    axes.set_ylim(len(METHODS) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel(
        f"test error in %: {seeds} seeds (dots), mean (bar); teacher {error:.2f}% (dashed)"
    )
    axes.set_title(
        f"Scanned digits: student of {parameters:,} parameters, "
        f"teacher of {teacher['parameters']:,}",
        fontsize=12,
    )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.patch.set_facecolor("white")
    figure.tight_layout()
    figure.savefig(ROOT / "docs" / "quickstart.svg", metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
