"""How a section of the configuration becomes flags.

Names, defaults and types come from the dataclass, choices from the tables; a module of this
folder adds the words. Nothing is checked here but type and spelling.
"""

import dataclasses
import os
import typing

from absl import flags as absl_flags

from kd_keras import registry

__all__ = ["Flag", "Section"]


@dataclasses.dataclass(frozen=True)
class Flag:
    """One flag.

    Attributes:
        name: As on the command line.
        field: Name of the field of the section's dataclass.
        kind: `bool`, `int`, `float`, `str`, or a tuple of one of them.
        default: The field's default.
        help: One sentence.
        choices: The names it takes, or empty.
        repeated: Whether it is given once for each entry of its tuple, commas and all.
        unused_by: By the name of a command that reads the section and not this flag, a sentence
            of what to do instead.
    """

    name: str
    field: str
    kind: object
    default: object
    help: str
    choices: tuple[str, ...] = ()
    repeated: bool = False
    unused_by: dict[str, str] = dataclasses.field(default_factory=dict)


_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_CONVERSIONS = {
    bool: (lambda text: _BOOLEANS[text.lower()], "true or false"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "text"),
}


def _convert(text, kind):
    convert, expected = _CONVERSIONS[kind]
    try:
        return convert(text)
    except (KeyError, ValueError):
        raise ValueError(f"Expected {expected}. Received: {text}.") from None


class _Parser(absl_flags.ArgumentParser):
    """Turns the text of a flag into its value."""

    def __init__(self, flag):
        self._flag = flag

    def parse(self, argument):
        """The value of the flag; a ValueError says what was expected."""
        if not isinstance(argument, str):
            return argument
        if self._flag.repeated:
            return _convert(argument, typing.get_args(self._flag.kind)[0])
        if typing.get_origin(self._flag.kind) is not tuple:
            self._require_choice(argument, argument)
            return _convert(argument, self._flag.kind)
        kind = typing.get_args(self._flag.kind)[0]
        parts = [part.strip() for part in argument.split(",") if part.strip()]
        for part in parts:
            # A weight may follow a name, as in soft_target:0.9.
            self._require_choice(part.partition(":")[0], part)
        return tuple(_convert(part, kind) for part in parts)

    def _require_choice(self, name, text):
        if self._flag.choices and name not in self._flag.choices:
            raise registry.unknown_name(self._flag.name, self._flag.choices, text)

    def flag_type(self):
        """The word for the type, in absl's listings."""
        return "text"


class _Serializer(absl_flags.ArgumentSerializer):
    def serialize(self, value):
        return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


class Section:
    """The flags of one section of the configuration.

    Args:
        name: The section's name in `Config`.
        dataclass: Its class.
        prefix: What the flags' names begin with, so that teacher and student can share words.
    """

    def __init__(self, name, dataclass, prefix=""):
        self.name = name
        self.dataclass = dataclass
        self.flags = []
        self._prefix = prefix

    def add(self, field, help_text, *, name=None, choices=(), repeated=False, unused_by=None):
        """Add the flag of one field.

        Args:
            field: The field's name.
            help_text: One sentence.
            name: The flag's name, where it is not the prefix and the field's.
            choices: The names it takes, where the dataclass does not say.
            repeated: Whether it is given once for each entry of its tuple.
            unused_by: As of `Flag`; none of the commands where it is left out.
        """
        declared = self.dataclass.__dataclass_fields__[field]
        choices = tuple(choices) or declared.metadata.get("choices", ())
        name = name or self._prefix + field
        flag = Flag(
            name,
            field,
            declared.type,
            declared.default,
            help_text,
            choices,
            repeated=repeated,
            unused_by=unused_by or {},
        )
        self.flags.append(flag)

    def define(self, flag_values):
        """Define the flags on absl's `FlagValues`."""
        for flag in self.flags:
            kind = absl_flags.MultiFlag if flag.repeated else absl_flags.Flag
            defined = kind(
                _Parser(flag),
                _Serializer(),
                flag.name,
                flag.default,
                flag.help,
                boolean=flag.kind is bool,
            )
            absl_flags.DEFINE_flag(defined, flag_values)

    def read(self, flag_values):
        """Build the section's dataclass from parsed flags.

        Raises:
            ValueError: If a value is out of range.
        """
        values = {flag.field: flag_values[flag.name].value for flag in self.flags}
        values |= {flag.field: tuple(values[flag.field]) for flag in self.flags if flag.repeated}
        for name, value in values.items():
            if self.dataclass.__dataclass_fields__[name].metadata.get("path"):
                values[name] = _at_home(value)
        return self.dataclass(**values)


def _at_home(paths):
    """A path, or each of several, from `~` on: the shell leaves it where it follows an = sign."""
    if isinstance(paths, tuple):
        return tuple(map(os.path.expanduser, paths))
    return os.path.expanduser(paths)
