"""Flags of what a student may cost."""

from flags.section import Section
from kd_keras.config import Budget

SECTION = Section("budget", Budget)
SECTION.add("max_latency_milliseconds", "Longest time for one image, the median; 0: any.")
SECTION.add("max_multiply_adds", "Most multiply-adds for one image; 0: any number.")
SECTION.add("max_parameters", "Most parameters; 0: any number.")
SECTION.add(
    "max_size_megabytes",
    "Largest TensorFlow Lite file: in float32, that of a pruned network as it is timed; 0: any.",
)
SECTION.add("max_peak_memory_megabytes", "Most memory that running it takes; 0: any.")
