"""What a search varies: a field of the configuration and the values that it may take.

How an axis is written is in `axis_texts`, which candidates axes make in `space`, and how a
space is searched in `oracles`.
"""

import dataclasses
import math
import typing

from kd_keras import registry
from kd_keras.config import Config

__all__ = ["Axis", "convert", "read_number", "type_of", "write_value"]

_VARIED = ("student", "signal", "distillation", "discriminator", "training")
_VARIED_FIELDS = (
    "run.seed",
    "data.crop_padding",
    "data.flip",
    "data.padding",
    "data.view_seed",
    "data.views",
)
_REASONS = {
    "run": "where the trials lie is the search's",
    "data": "all students are judged on the same images",
    "teacher": "all students have the same teacher",
}
_BOOLEANS = {"true": True, "false": False}
_MOST_LISTED = 10_000  # whole numbers of a range that are listed one by one
_DIGITS = 10  # significant ones of a number in a range


@dataclasses.dataclass(frozen=True, kw_only=True)
class Axis:
    """One field and the values that it may take.

    Attributes:
        field: Such as `student.depth`.
        kind: `"choice"`, `"integer"` or `"float"`.
        choices: The values of a choice: numbers, or texts that `convert` turns into values.
        low: The lowest value of a range.
        high: The highest one.
        step: Between two values; on a logarithmic axis their ratio; None for any value.
        logarithmic: Whether equal ratios are equally far.
        parent: The field that decides whether this axis has a meaning, or "".
        parent_choices: The values of the parent for which it has.

    Example:
        >>> Axis(field="student.width", kind="integer", low=1, high=4).values
        (1, 2, 3, 4)
    """

    field: str
    kind: str
    choices: tuple = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    logarithmic: bool = False
    parent: str = ""
    parent_choices: tuple = ()

    @property
    def values(self):
        """Every value it may take, in order; None where they cannot be listed."""
        if self.kind == "choice":
            return self.choices
        if self.step is None and self.kind == "float":
            return None
        step = self.step or 1
        by_ratio = self.logarithmic and self.step is not None
        extent = math.log(self.high / self.low, step) if by_ratio else (self.high - self.low) / step
        count = int(extent + 1e-9) + 1
        if count > _MOST_LISTED:
            return None
        listed = (
            self.low * step**index if by_ratio else self.low + index * step
            for index in range(count)
        )
        return tuple(map(self._rounded, listed))

    @property
    def ends(self):
        """The first and the last value."""
        values = self.values or (self.low, self.high)
        return values[0], values[-1]

    @property
    def name(self):
        """The field, and the condition where there is one: no two axes of a search share it."""
        if not self.parent:
            return self.field
        return f"{self.field} if {self.parent}={','.join(map(write_value, self.parent_choices))}"

    @property
    def text(self):
        """The values as they are typed."""
        if self.kind == "choice":
            text = ",".join(map(write_value, self.choices))
        else:
            text = f"{write_value(self.low)}..{write_value(self.high)}"
            text += ",log" * self.logarithmic
            text += f",step={write_value(self.step)}" if self.step is not None else ""
        return text

    def is_active(self, values):
        """Whether it has a meaning beside the values of the axes before it."""
        return not self.parent or values.get(self.parent) in self.parent_choices

    def _rounded(self, number):
        return round(number) if self.kind == "integer" else float(f"{number:.{_DIGITS}g}")


def write_value(value):
    """A value as it is typed."""
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)


def type_of(field):
    """The declared type of a field that may be searched.

    Args:
        field: Such as `student.depth`.

    Returns:
        A type, or a tuple of one as `tuple[str, ...]`.

    Raises:
        ValueError: If there is no such field, or no search may vary it.

    Example:
        >>> type_of("student.depth")
        <class 'int'>
    """
    section_name, _, name = field.partition(".")
    sections = {section.name: section.type for section in dataclasses.fields(Config)}
    if section_name not in sections:
        raise registry.unknown_name("section of search_axis", _VARIED, section_name)
    declared = {part.name: part.type for part in dataclasses.fields(sections[section_name])}
    if section_name in _VARIED and name not in declared:
        raise registry.unknown_name(f"field of {section_name}", declared, name)
    if section_name not in _VARIED and field not in _VARIED_FIELDS:
        reason = _REASONS.get(section_name, "that is no part of a student's training")
        raise ValueError(
            f"The search cannot vary {field}, because {reason}. Expected a field of "
            f"{', '.join(_VARIED)}, or one of {', '.join(_VARIED_FIELDS)}."
        )
    return declared[name]


def read_number(field, text, annotation):
    """A finite number of a field's type, `int` or `float`; a ValueError says what was expected."""
    try:
        number = annotation(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        what = "a whole number" if annotation is int else "a number"
        raise ValueError(f"Invalid value for {field}. Expected {what}. Received: {text}.")
    return number


def convert(field, value):
    """Turn a value of an axis into one of the configuration.

    Args:
        field: Such as `distillation.loss`.
        value: As an axis has it: a number, or a text.

    Returns:
        The value as the field has it.

    Raises:
        ValueError: If it is not of the field's type.

    Example:
        >>> convert("distillation.loss", "soft_target&logit_l1")
        ('soft_target', 'logit_l1')
        >>> convert("training.nesterov", "true"), convert("student.depth", 16)
        (True, 16)
    """
    annotation = type_of(field)
    if annotation is bool:
        if value not in _BOOLEANS:
            raise ValueError(
                f"Invalid value for {field}. Expected true or false. Received: {value}."
            )
        return _BOOLEANS[value]
    if typing.get_origin(annotation) is tuple:
        kind = typing.get_args(annotation)[0]
        parts = [part.strip() for part in value.split("&") if part.strip()]
        return tuple(part if kind is str else read_number(field, part, kind) for part in parts)
    return read_number(field, value, annotation) if annotation in (int, float) else value
