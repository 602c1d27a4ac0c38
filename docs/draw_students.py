"""Draws docs/students.svg from docs/students.csv: the test errors of Table 2, one dot a seed.

    python docs/draw_students.py TITLE

A row of the table is a network that was trained; its figures are those of its run's `metrics.json`.
Prints the means too.
"""

import csv
import pathlib
import statistics
import sys

import matplotlib
from matplotlib import pyplot

matplotlib.rcParams.update({"svg.hashsalt": "kd_keras", "svg.fonttype": "none", "font.size": 12})

SOURCE = pathlib.Path(__file__).with_name("students.csv")
TARGET = SOURCE.with_suffix(".svg")


def read():
    """The rows of the teacher and of the students."""
    with SOURCE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    [teacher] = (row for row in rows if row["role"] == "teacher")
    return teacher, [row for row in rows if row["role"] == "student"]


def main(title):
    """Draw the figure and print its numbers."""
    teacher, students = read()
    methods = list(dict.fromkeys(row["method"] for row in students))
    figure, axes = pyplot.subplots(figsize=(8, 0.6 * len(methods) + 1.4))
    for place, method in enumerate(methods):
        errors = [float(row["test_error_percent"]) for row in students if row["method"] == method]
        mean = statistics.mean(errors)
        axes.barh(place, mean, height=0.55, color="#9ecae9")
        axes.plot(errors, [place] * len(errors), "o", color="#1f4e79", markersize=6)
        axes.annotate(
            f"{mean:.1f}%", (max(errors), place), (8, 0), textcoords="offset points", va="center"
        )
        print(f"{method}: mean {mean:.2f} of {', '.join(f'{error:.2f}' for error in errors)}")
    teacher_error = float(teacher["test_error_percent"])
    print(f"teacher: {teacher_error:.2f}")
    axes.axvline(teacher_error, color="#54a24b", linestyle="--")
    axes.set_yticks(range(len(methods)), [f"student, {method}" for method in methods])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.08)
    axes.set_xlabel(f"test error in %; dots: seeds; dashed: the teacher, {teacher_error:.1f}%")
    sizes = (int(row["parameters"]) for row in (students[0], teacher))
    axes.set_title("{}\nstudent {:,} parameters, teacher {:,}".format(title, *sizes), fontsize=12)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.patch.set_facecolor("white")
    figure.tight_layout()
    figure.savefig(TARGET, metadata={"Date": None})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
