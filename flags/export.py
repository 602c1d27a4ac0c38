"""Flags of the files to write, and of when one of them fails."""

from flags.section import Section
from kd_keras import export
from kd_keras.config import Export

SECTION = Section("export", Export)
SECTION.add("formats", "The files; all: every one.", choices=("all", *export.names()))
SECTION.add("include_preprocessing", "The file takes pixels from 0 to 255.")
SECTION.add("static_batch", "Images at a time that the file takes; 0: any number.")
SECTION.add("calibration_images", "Training images from which int8 learns its ranges.")
SECTION.add("licence", "Of the weights, written into the files.")
SECTION.add("latency_repeats", "Timed calls of each file; 0: none.")
SECTION.add(
    "max_logit_difference",
    "Largest difference of a float32 file to logits up to 1; a share of larger.",
)
SECTION.add("max_error_increase", "Percentage points of error a file may lose.")
