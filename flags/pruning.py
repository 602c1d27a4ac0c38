"""Flags of which filters are taken out of a network."""

from flags.section import Section
from kd_keras.config import Pruning

SECTION = Section("pruning", Pruning, prefix="prune_")
SECTION.add(
    "fraction",
    "Of the filters of every convolution that can lose some; under a budget it is searched for.",
)
SECTION.add(
    "as_fast_as",
    "Folder of a run, or a model's file: the smallest fraction that makes the network as fast.",
)
SECTION.add("format", "Form of the files that are timed and weighed for a budget.")
