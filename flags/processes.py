"""Flags of how many runs there are at once."""

from flags.section import Section
from kd_keras.config import Processes

SECTION = Section("processes", Processes)
SECTION.add("jobs", "Students trained at once, each in a process of its own.")
