"""Flags of the files to write, and of when one of them fails."""

from flags.section import Section
from kd_keras import export
from kd_keras.config import Export

SECTION = Section("export", Export)
SECTION.add("formats", "The files.", choices=export.names())
SECTION.add("include_preprocessing", "The file takes pixels from 0 to 255.")
SECTION.add("max_logit_difference", "Largest difference to the Keras model's logits.")
SECTION.add("max_error_increase", "Percentage points of error it may lose.")
