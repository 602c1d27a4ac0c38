"""The configuration of one command: frozen dataclasses with the defaults and the range checks.

One class per section, one module for those that belong together. A field's default stands beside
it, its unit in its comment. Types are checked by the flags, names by the tables, shapes by the
constructors; ranges and combinations are checked here and nowhere else. Nothing here imports
more than the standard library.
"""

import dataclasses
import typing

from kd_keras.config.checks import require
from kd_keras.config.choice import Budget, Choose
from kd_keras.config.comparison import Compare, Report
from kd_keras.config.data import Data
from kd_keras.config.distillation import Discriminator, Distillation
from kd_keras.config.finished import Evaluation, Export, Predict
from kd_keras.config.networks import Student, Teacher
from kd_keras.config.refinement import Pruning, Refinement
from kd_keras.config.run import Processes, Run
from kd_keras.config.search import Search
from kd_keras.config.signal import Cache, Signal
from kd_keras.config.training import Training

__all__ = [
    "Budget",
    "Cache",
    "Choose",
    "Compare",
    "Config",
    "Data",
    "Discriminator",
    "Distillation",
    "Evaluation",
    "Export",
    "Predict",
    "Processes",
    "Pruning",
    "Refinement",
    "Report",
    "Run",
    "Search",
    "Signal",
    "Student",
    "Teacher",
    "Training",
    "from_dictionary",
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that one command needs to know."""

    run: Run = dataclasses.field(default_factory=Run)
    data: Data = dataclasses.field(default_factory=Data)
    teacher: Teacher = dataclasses.field(default_factory=Teacher)
    student: Student = dataclasses.field(default_factory=Student)
    signal: Signal = dataclasses.field(default_factory=Signal)
    distillation: Distillation = dataclasses.field(default_factory=Distillation)
    discriminator: Discriminator = dataclasses.field(default_factory=Discriminator)
    training: Training = dataclasses.field(default_factory=Training)
    evaluation: Evaluation = dataclasses.field(default_factory=Evaluation)
    export: Export = dataclasses.field(default_factory=Export)
    predict: Predict = dataclasses.field(default_factory=Predict)
    cache: Cache = dataclasses.field(default_factory=Cache)
    compare: Compare = dataclasses.field(default_factory=Compare)
    processes: Processes = dataclasses.field(default_factory=Processes)
    report: Report = dataclasses.field(default_factory=Report)
    search: Search = dataclasses.field(default_factory=Search)
    budget: Budget = dataclasses.field(default_factory=Budget)
    choose: Choose = dataclasses.field(default_factory=Choose)
    refinement: Refinement = dataclasses.field(default_factory=Refinement)
    pruning: Pruning = dataclasses.field(default_factory=Pruning)

    def to_dictionary(self):
        """Nested dictionaries of plain values, as they are written to `config.json`."""
        return dataclasses.asdict(self)


def _as_declared(value, annotation):
    if typing.get_origin(annotation) is tuple:
        return _as_tuples(value)
    return value


def _as_tuples(value):
    return tuple(map(_as_tuples, value)) if isinstance(value, list | tuple) else value


def from_dictionary(dictionary):
    """The inverse of `Config.to_dictionary`.

    Args:
        dictionary: Sections by name, each a dictionary of its fields. What is missing takes its
            default.

    Returns:
        The `Config`.

    Raises:
        ValueError: If there is a section or a field that this version does not know, or a value
            is out of range.

    Example:
        >>> from_dictionary({"training": {"epochs": 3}}).training.epochs
        3
    """
    sections = {field.name: field.type for field in dataclasses.fields(Config)}
    unknown = sorted(set(dictionary) - set(sections))
    require(not unknown, "configuration", f"sections {', '.join(sections)}", ", ".join(unknown))
    built = {}
    for name, values in dictionary.items():
        annotations = {field.name: field.type for field in dataclasses.fields(sections[name])}
        unknown = sorted(set(values) - set(annotations))
        require(not unknown, name, f"fields {', '.join(annotations)}", ", ".join(unknown))
        built[name] = sections[name](
            **{key: _as_declared(value, annotations[key]) for key, value in values.items()}
        )
    return Config(**built)
