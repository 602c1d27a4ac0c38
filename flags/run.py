"""Flags of where a run lives and what makes it repeatable."""

from flags.section import Section
from kd_keras.config import Run

SECTION = Section("run", Run)
SECTION.add("output_directory", "Folder of the run folders.")
SECTION.add(
    "name",
    "The run's own folder; empty: made from what is trained.",
    name="run_name",
    unused_by=dict.fromkeys(
        ("choose", "evaluate", "export", "predict", "report"),
        "It names what is to be made; what is finished is named by --run.",
    ),
)
SECTION.add("seed", "Seed of initialisation, order, augmentation and dropout.")
SECTION.add("deterministic", "Slower kernels that give the same bits every time.")
SECTION.add("checkpoint_minutes", "Minutes between saves within an epoch; 0: at its end alone.")
SECTION.add("tensorboard", "Also log for TensorBoard, in the run's folder.")
SECTION.add("debug", "Show the traceback of an error.")
