"""Flags of the student."""

from flags.section import Section
from kd_keras import models
from kd_keras.config import Student

SECTION = Section("student", Student, prefix="student_")
SECTION.add("network", "The student's network.", name="student", choices=models.names())
SECTION.add("depth", "Its layers, as in WRN-depth-width.")
SECTION.add("width", "Its factor on the channels.")
SECTION.add("dropout", "Its dropout probability.")
SECTION.add("path", "A .keras file with a network of your own to train instead.")
