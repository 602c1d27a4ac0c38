"""Flags of the student."""

from flags.section import Section
from kd_keras import models
from kd_keras.config import Student

SECTION = Section("student", Student, prefix="student_")
SECTION.add(
    "network",
    "The student's network: one of this project, or applications/NAME of keras.applications.",
    name="student",
    choices=models.names(applications=True),
)
SECTION.add("depth", "Its layers, as in WRN-depth-width.")
SECTION.add("width", "Its factor on the channels.")
SECTION.add("dropout", "Its dropout probability.")
SECTION.add("option", "Its other arguments, ARGUMENT=VALUE, see docs/methods.md.")
SECTION.add("binary_weights", "One bit a weight in all convolutions but the first, for study.")
SECTION.add("path", "A .keras file with a network of your own to train instead.")
