"""Flags of which finished model is looked at."""

from flags.section import Section
from kd_keras.config import Evaluation

SECTION = Section("evaluation", Evaluation)
SECTION.add("run", "A run's folder.")
SECTION.add(
    "model",
    "A .keras, .tflite or .onnx file, a SavedModel folder, or what is converted.",
    unused_by={
        "choose": "The file of one network is timed by export.",
        "report": "Its page is of what --run names.",
    },
)
SECTION.add(
    "split",
    "The images it is run on.",
    unused_by=dict.fromkeys(
        ("choose", "convert", "predict", "prune", "quantize", "report"),
        "Those that do are evaluate and export.",
    ),
)
