"""Flags of a comparison: its methods and seeds."""

from flags import methods
from flags.section import Section
from kd_keras.config import Compare

SECTION = Section("compare", Compare)
SECTION.add(
    "methods",
    "A row: LABEL: --flag=value ..., LABEL: PRESET, or PRESET. Repeat it for every row; without "
    "it: from scratch, soft targets, adversarial.",
    name=methods.FLAG,
)
SECTION.add("seeds", "Every row is trained once with each of them.")
