"""Flags of how a finished network is trained on."""

from flags.section import Section
from kd_keras.config import Refinement

SECTION = Section("refinement", Refinement, prefix="refine_")
SECTION.add("epochs", "Passes over the training images.")
SECTION.add("learning_rate", "Initial learning rate; it falls as a cosine.")
SECTION.add("clip_norm", "Largest norm of the whole gradient; 0: any.")
SECTION.add(
    "statistics_images",
    "Training images on which batch normalisation is measured anew before; 0: none.",
    name="statistics_images",
)
