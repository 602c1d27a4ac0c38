"""Flags of which finished model is looked at."""

from flags.section import Section
from kd_keras.config import Evaluation

SECTION = Section("evaluation", Evaluation)
SECTION.add("run", "A run's folder.")
SECTION.add("model", "A .keras, .tflite or .onnx file, a SavedModel folder, or what is converted.")
SECTION.add("split", "The images it is run on.")
