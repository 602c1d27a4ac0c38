"""Which methods and rows a comparison has, and where they lie.

Whether what lies there already fits is seen in `claiming`. Neither needs TensorFlow.
"""

import dataclasses
import pathlib
import re

from kd_keras import registry, runs, training
from kd_keras.config import Compare

__all__ = ["DEFAULT_METHODS", "Comparison", "Row", "plan"]

DEFAULT_METHODS = (
    (
        "from scratch",
        (
            ("distillation.supervised_weight", 1.0),
            ("distillation.loss", ()),
            ("distillation.loss_option", ()),
            ("distillation.adversarial_weight", 0.0),
        ),
    ),
    (
        "soft targets",
        (
            ("distillation.supervised_weight", 0.5),
            ("distillation.loss", ("soft_target",)),
            ("distillation.loss_option", ()),
            ("distillation.adversarial_weight", 0.0),
        ),
    ),
    ("adversarial", ()),
)

_MAY_DIFFER = ("student", "signal", "distillation", "discriminator", "training")
_REASONS = {
    "run": "where runs lie and their seeds are the comparison's",
    "data": "all methods see the same images",
    "teacher": "all methods have the same teacher",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One run of one method.

    Attributes:
        label: The method's.
        seed: The run's seed.
        config: Its `Config`, for the command `distill`.
        folder: The `RunFolder` where it is trained.
    """

    label: str
    seed: int
    config: object
    folder: training.RunFolder

    @property
    def name(self):
        """What it is called in progress lines."""
        return f"{self.label}, seed {self.seed}"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A planned comparison.

    Attributes:
        name: Its folder's name.
        path: Its folder.
        config: The base `Config`, without methods.
        methods: Each method's `Config` by label.
        rows: Its `Row`s, seed by seed, so that early rows already compare all methods.
    """

    name: str
    path: pathlib.Path
    config: object
    methods: dict
    rows: tuple[Row, ...]

    @property
    def seeds(self):
        """Every seed once, in order."""
        return tuple(dict.fromkeys(row.seed for row in self.rows))

    @property
    def needs_teacher(self):
        """Whether any method looks at the teacher."""
        return any(config.distillation.needs_teacher for config in self.methods.values())

    def find_control(self, label):
        """The label of the method that trains the same student alike on labels alone, or None.

        It is None for a method on labels alone, too: such a method is a control.
        """
        method = self.methods[label]
        if method.distillation.on_labels_alone:
            return None
        for other, config in self.methods.items():
            alike = (config.student, config.training) == (method.student, method.training)
            if alike and config.distillation.on_labels_alone:
                return other
        return None


def plan(config, suffix="comparison"):
    """Plan the comparison that a configuration asks for.

    Args:
        config: The `Config`. Without methods they are `DEFAULT_METHODS`.
        suffix: What the folder's name ends with, where `run.name` gives none.

    Returns:
        The `Comparison`.

    Raises:
        ValueError: If a method changes what all methods share, if two methods are the same, or
            if their folders would be.
    """
    section = config.compare
    student = config.student.label
    if config.student.path:
        student = pathlib.Path(config.student.path).stem
    name = config.run.name or f"{config.data.dataset}-{student}-{suffix}"
    base = dataclasses.replace(
        config, compare=Compare(), run=dataclasses.replace(config.run, name="")
    )
    methods = {
        label: _change(base, label, changes)
        for label, changes in section.methods or DEFAULT_METHODS
    }
    _require_different(methods)
    path = pathlib.Path(config.run.output_directory) / name
    rows = tuple(
        _make_row(label, seed, method, name)
        for seed in section.seeds
        for label, method in methods.items()
    )
    return Comparison(name, path, base, methods, rows)


def _change(base, label, changes):
    sections = {}
    for field, value in changes:
        section, _, name = field.partition(".")
        if section not in _MAY_DIFFER:
            reason = _REASONS.get(section, "that is no part of a method")
            raise ValueError(
                f"The method {label} changes {field} to {value}, but {reason}. Expected changes "
                f"of {', '.join(_MAY_DIFFER)}. Give the flag to the whole comparison."
            )
        known = getattr(base, section).__dataclass_fields__
        if name not in known:
            raise registry.unknown_name(f"field of {section}", known, name)
        sections.setdefault(section, {})[name] = value
    replaced = {
        section: dataclasses.replace(getattr(base, section), **values)
        for section, values in sections.items()
    }
    method = dataclasses.replace(base, **replaced)
    if method.distillation.joint == "none":
        return method
    # Its second network learns from scratch, whatever file teaches the others.
    return dataclasses.replace(method, teacher=dataclasses.replace(method.teacher, path=""))


def _require_different(methods):
    folders, settings = {}, {}
    for label, config in methods.items():
        for seen, key, what in (
            (folders, _slug(label), "have the same folder"),
            (settings, config, "are the same"),
        ):
            first = seen.setdefault(key, label)
            if first != label:
                raise ValueError(
                    f"The methods {first} and {label} {what}. Expected methods that differ, under "
                    "names that differ in letters or digits."
                )


def _slug(label):
    return re.sub(r"[^\w.]+", "-", label.lower()).strip("-.") or "method"


def _make_row(label, seed, method, name):
    run = dataclasses.replace(method.run, seed=seed, name=f"{name}/{_slug(label)}-seed{seed}")
    config = dataclasses.replace(method, run=run)
    return Row(label, seed, config, runs.student_folder(config, run.name))
