"""Draws docs/students.svg from finished runs: test error against parameters, one dot a seed.

    python docs/draw_students.py TITLE TEACHER_RUN LABEL=RUN[,RUN...] ...

RUN is a run's folder; several of one label are seeds of one method. Prints the numbers too.
"""

import json
import pathlib
import statistics
import sys

import matplotlib
from matplotlib import pyplot

matplotlib.rcParams.update({"svg.hashsalt": "kd_keras", "svg.fonttype": "none", "font.size": 12})

TARGET = pathlib.Path(__file__).with_name("students.svg")


def read_error(run):
    """The test error in percent of the network that a run kept, and its parameters."""
    figures = json.loads((pathlib.Path(run) / "metrics.json").read_text())
    return figures["best"]["top1_error_percent"], figures["parameters"]


def main(title, teacher_run, *methods):
    """Draw the figure and print its numbers."""
    teacher, teacher_parameters = read_error(teacher_run)
    figure, axes = pyplot.subplots(figsize=(8, 0.6 * len(methods) + 1.4))
    labels = []
    for row, method in enumerate(methods):
        label, _, runs = method.rpartition("=")
        errors, sizes = zip(*map(read_error, runs.split(",")), strict=True)
        mean = statistics.mean(errors)
        axes.barh(row, mean, height=0.55, color="#9ecae9")
        axes.plot(errors, [row] * len(errors), "o", color="#1f4e79", markersize=6)
        axes.annotate(
            f"{mean:.1f}%", (max(errors), row), (8, 0), textcoords="offset points", va="center"
        )
        labels.append(f"student, {label}")
        print(f"{label}: mean {mean:.2f} of {', '.join(f'{error:.2f}' for error in errors)}")
    print(f"teacher: {teacher:.2f}")
    axes.axvline(teacher, color="#54a24b", linestyle="--")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.08)
    axes.set_xlabel(f"test error in %; dots: seeds; dashed: the teacher, {teacher:.1f}%")
    sizes = f"student {sizes[0]:,} parameters, teacher {teacher_parameters:,}"
    axes.set_title(f"{title}\n{sizes}", fontsize=12)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.patch.set_facecolor("white")
    figure.tight_layout()
    figure.savefig(TARGET, metadata={"Date": None})


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
