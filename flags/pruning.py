"""Flags of which filters are taken out of a network."""

from flags.section import Section
from kd_keras.config import Pruning

SECTION = Section("pruning", Pruning, prefix="prune_")
SECTION.add("fraction", "Of the filters of every convolution that can lose some.")
