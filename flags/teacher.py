"""Flags of the teacher."""

from flags.section import Section
from kd_keras import models
from kd_keras.config import Teacher

SECTION = Section("teacher", Teacher, prefix="teacher_")
SECTION.add(
    "network",
    "The teacher's network: one of this project, or applications/NAME of keras.applications.",
    name="teacher",
    choices=models.names(applications=True),
)
SECTION.add("depth", "Its layers, as in WRN-depth-width.")
SECTION.add("width", "Its factor on the channels.")
SECTION.add("dropout", "Its dropout probability.")
SECTION.add("option", "Its other arguments, ARGUMENT=VALUE, see docs/methods.md.")
SECTION.add(
    "path",
    "A .keras file or a run's folder; empty: the run of train_teacher, which itself starts from "
    "it where it is set.",
)
