"""The checks that the sections have in common."""

import dataclasses
import math

from kd_keras import registry

__all__ = [
    "Section",
    "choice",
    "location",
    "require",
    "require_fraction",
    "require_not_negative",
    "require_positive",
]


def require(condition, name, expected, received):
    """Refuse a value in a sentence, where the condition does not hold."""
    if not condition:
        raise ValueError(f"Invalid value for {name}. Expected {expected}. Received: {received}.")


def require_fraction(name, value):
    """Refuse what is not in [0, 1)."""
    require(0.0 <= value < 1.0, name, "a number from 0 up to but not including 1", value)


def require_positive(section, *names):
    """Refuse fields that are not above 0."""
    for name in names:
        value = getattr(section, name)
        require(0 < value < math.inf, name, "a number above 0", value)


def require_not_negative(section, *names):
    """Refuse fields below 0."""
    for name in names:
        value = getattr(section, name)
        require(0 <= value < math.inf, name, "0 or more", value)


def choice(default, *others):
    """A field that takes one of some names, the first by default."""
    return dataclasses.field(default=default, metadata={"choices": (default, *others)})


def location(default):
    """A field that is a path, or several: typed on the command line, `~` is the home folder."""
    return dataclasses.field(default=default, metadata={"path": True})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the configuration: it refuses names that a field does not take."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            choices = field.metadata.get("choices")
            value = getattr(self, field.name)
            if choices and value not in choices:
                raise registry.unknown_name(field.name, choices, value)
