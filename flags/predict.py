"""Flags of the pictures that a finished model is asked about."""

from flags.section import Section
from kd_keras.config import Predict

SECTION = Section("predict", Predict)
SECTION.add("images", "Pictures, and folders of pictures, with commas between them.")
SECTION.add("top_k", "Classes told of each picture, the likeliest.")
SECTION.add("output", "A .csv or .json file; empty: the screen.")
