"""Flags of which students are looked at before any of them is trained."""

from flags.section import Section
from kd_keras.config import Choose

SECTION = Section("choose", Choose)
SECTION.add("depths", "Depths of the students to choose from.", name="student_depths")
SECTION.add("widths", "Their widths.", name="student_widths")
SECTION.add(
    "threads",
    "Threads of the runtime that is timed; a search has its own.",
    name="choose_threads",
)
SECTION.add(
    "measure_again",
    "Measure anew, though this machine's times are known; those of a search are its own.",
)
