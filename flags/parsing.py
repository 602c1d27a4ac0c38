"""From the words of a command line to a command and its configuration."""

import pathlib
import shutil
import textwrap

from absl import flags as absl_flags

from kd_keras import registry
from kd_keras.config import Config

__all__ = ["Help", "parse"]

_PRESETS = pathlib.Path(__file__).parent / "presets"
_INDENT = 30


class Help(Exception):
    """Raised with the text to print when help is asked for."""


def parse(words, *, sections, commands):
    """Read a command line.

    Args:
        words: The words after the program's name: a command, then flags. Without a command it
            is the first of `commands`. `--flagfile=FILE` reads more flags; a bare name is
            looked up among the presets. Later flags win.
        sections: The `Section`s of the configuration.
        commands: Commands by name. Each has `summary`, one sentence; `sections`, the names of
            the sections it reads; and `preset`, the name of the preset it starts from or "".

    Returns:
        The command's name and the `Config`.

    Raises:
        Help: If help is asked for.
        ValueError: If a word, a flag or a value is not understood.
    """
    command, words = _split_command(words, commands)
    if any(word in ("--help", "-h", "-help", "help") for word in words):
        raise Help(_command_help(command, commands[command], sections))
    flag_values = absl_flags.FlagValues()
    for section in sections:
        section.define(flag_values)
    given = [_find_flagfile(word) for word in _join_flagfiles(words)]
    _refuse_unused(command, given, sections, commands[command])
    preset = commands[command].preset
    start = [f"--flagfile={_PRESETS / preset}.flags"] if preset else []
    try:
        rest = flag_values(["main.py", *start, *given])[1:]
    except (absl_flags.Error, ValueError) as error:
        raise ValueError(f"{_sentence(error)} See python main.py {command} --help.") from None
    if rest:
        raise ValueError(
            f"Unexpected word. Expected flags, --name=value, after {command}. "
            f"Received: {' '.join(rest)}."
        )
    values = {section.name: _read(section, flag_values) for section in sections}
    return command, Config(**values)


def _split_command(words, commands):
    first = next(iter(commands))
    if not words:
        return first, []
    if words[0] in ("--help", "-h", "-help", "help"):
        raise Help(_general_help(commands))
    if words[0].startswith("-"):
        return first, words
    if words[0] not in commands:
        raise registry.unknown_name("command", commands, words[0])
    return words[0], words[1:]


def _join_flagfiles(words):
    """`--flagfile NAME`, which absl allows too, as one word."""
    joined = []
    for word in words:
        if joined and joined[-1] in ("--flagfile", "-flagfile"):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _find_flagfile(word):
    name, separator, value = word.partition("=")
    if name.lstrip("-") != "flagfile" or not separator:
        return word
    for path in (pathlib.Path(value).expanduser(), _PRESETS / f"{value}.flags"):
        if path.is_file():
            return f"--flagfile={path}"
    raise FileNotFoundError(
        f"No flagfile at {value}. Expected a file, or a preset's name: one of the files under "
        "flags/presets without .flags."
    )


def _refuse_unused(command, words, sections, description):
    unused = {
        flag.name: section.name
        for section in sections
        if section.name not in description.sections
        for flag in section.flags
    }
    for word in words:
        name = word.lstrip("-").partition("=")[0]
        name = name.removeprefix("no") if name.removeprefix("no") in unused else name
        if word.startswith("-") and name in unused:
            raise ValueError(
                f"{command} does not use --{name}. It reads the flags of "
                f"{', '.join(description.sections)}. See python main.py {command} --help."
            )


def _read(section, flag_values):
    try:
        return section.read(flag_values)
    except ValueError as error:
        if section.name in str(error):
            raise
        raise ValueError(f"{error} (section {section.name})") from None


def _sentence(error):
    text = str(error).strip().removeprefix("ERROR:: ")
    if isinstance(error, absl_flags.UnrecognizedFlagError):
        text = text.replace("Unknown command line flag", "Unknown flag")
        text = text.replace("Did you mean: ", "Did you mean ").replace(" ?", "?")
    elif text.startswith("flag --"):
        setting, _, reason = text.removeprefix("flag --").partition(": ")
        prefix = "" if reason.startswith("Unknown") else "Invalid value for "
        name = setting.partition("=")[0]
        text = f"{prefix}{name}. {reason}" if prefix else reason
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _general_help(commands):
    lines = ["python main.py COMMAND [--flag=value ...]", "", "Commands:"]
    lines += [f"  {name:<16}{command.summary}" for name, command in commands.items()]
    lines += [
        "",
        "python main.py COMMAND --help lists a command's flags.",
        "--flagfile=NAME reads the flags of flags/presets/NAME.flags; flags after it win.",
        f"Without a command: {next(iter(commands))}.",
    ]
    return "\n".join(lines)


def _command_help(command, description, sections):
    lines = [f"python main.py {command} [--flag=value ...]", "", description.summary]
    for section in sections:
        if section.name in description.sections:
            lines += ["", f"{section.name}:"]
            for flag in section.flags:
                lines += _flag_help(flag)
    lines += ["", "--flagfile=NAME reads the flags of flags/presets/NAME.flags."]
    return "\n".join(lines)


def _flag_help(flag):
    default = ",".join(map(str, flag.default)) if isinstance(flag.default, tuple) else flag.default
    default = str(default).lower() if isinstance(default, bool) else default
    text = flag.help
    if flag.choices:
        text += f" One of {', '.join(flag.choices)}."
    if default != "":
        text += f" [{default}]"
    width = max(40, min(100, shutil.get_terminal_size().columns) - _INDENT)
    head, *rest = textwrap.wrap(text, width) or [""]
    name = f"  --{'[no]' if flag.kind is bool else ''}{flag.name}"
    first = [f"{name:<{_INDENT}}{head}"] if len(name) < _INDENT else [name, " " * _INDENT + head]
    return first + [" " * _INDENT + line for line in rest]
