"""The command line: `parse` turns its words into a command and a configuration.

One module per section of the configuration. There is no logic of the project here, and nothing
imports TensorFlow.
"""

import importlib

from flags.parsing import Help, parse

__all__ = ["SECTIONS", "Help", "parse"]

SECTIONS = tuple(
    importlib.import_module(f"flags.{name}").SECTION
    for name in (
        "run",
        "data",
        "teacher",
        "student",
        "signal",
        "distillation",
        "discriminator",
        "training",
        "evaluation",
        "export",
        "predict",
        "cache",
        "compare",
        "processes",
        "report",
        "search",
        "budget",
        "choose",
        "refinement",
        "pruning",
    )
)
