"""Flags of what the student hears of the teacher."""

from flags.section import Section
from kd_keras.config import Signal

SECTION = Section("signal", Signal)
SECTION.add(
    "source",
    "Teacher logits: asked in every step, or once of the plain image, or once of every view.",
    name="teacher_signal",
)
SECTION.add(
    "ensemble",
    "Further teachers' files or runs; the signal is the mean of all.",
    name="teacher_ensemble",
)
SECTION.add(
    "mean_temperature",
    "T at which the teachers' probabilities are averaged, as --temperature; 0: their logits are.",
    name="teacher_mean_temperature",
)
SECTION.add("dropout", "Keep the teacher's dropout active.", name="teacher_active_dropout")
SECTION.add("samples", "Answers kept of each view, with active dropout.", name="teacher_samples")
SECTION.add("top_k", "Largest logits kept of each image; 0: all.", name="signal_top_k")
SECTION.add("storage", "Precision of kept logits.", name="signal_storage")
