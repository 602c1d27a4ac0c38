"""From the words of a command line to a command and its configuration."""

import dataclasses
import functools

from absl import flags as absl_flags

from flags import flagfiles, helping, methods
from kd_keras import registry
from kd_keras.config import Config

__all__ = ["Help", "parse"]


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
    description = commands[command]
    if any(word in ("--help", "-h", "-help", "help") for word in words):
        raise Help(helping.describe_command(command, description, sections))
    _refuse_unused(command, words, sections, description)
    start = [f"--flagfile={description.preset}"] if description.preset else []
    words, rows = methods.split(flagfiles.expand([*start, *words]))
    if rows and "compare" not in description.sections and "distillation" in description.sections:
        raise _no_comparison(command, rows)
    read = functools.partial(_read_words, command=command, sections=sections)
    config = read(words)
    if rows and "compare" in description.sections:
        resolved = tuple(methods.resolve(text, place, words, read) for text, place in rows)
        config = dataclasses.replace(
            config, compare=dataclasses.replace(config.compare, methods=resolved)
        )
    return command, config


def _read_words(words, *, command, sections):
    flag_values = absl_flags.FlagValues()
    for section in sections:
        section.define(flag_values)
    try:
        rest = flag_values(["main.py", *words])[1:]
    except (absl_flags.Error, ValueError) as error:
        raise ValueError(f"{_sentence(error)} See python main.py {command} --help.") from None
    if rest:
        raise ValueError(
            f"Unexpected word. Expected flags, --name=value, after {command}. "
            f"Received: {' '.join(rest)}."
        )
    return Config(**{section.name: _read(section, flag_values, command) for section in sections})


def _split_command(words, commands):
    first = next(iter(commands))
    if not words:
        return first, []
    if words[0] in ("--help", "-h", "-help", "help"):
        raise Help(helping.describe_commands(commands))
    if words[0].startswith("-"):
        return first, words
    if words[0] not in commands:
        raise registry.unknown_name("command", commands, words[0])
    return words[0], words[1:]


def _refuse_unused(command, words, sections, description):
    unused = {}
    for section in sections:
        for flag in section.flags:
            if section.name not in description.sections:
                unused[flag.name] = f"It reads the flags of {', '.join(description.sections)}."
            elif command in flag.unused_by:
                unused[flag.name] = flag.unused_by[command]
    for word in words:
        name = word.lstrip("-").partition("=")[0]
        name = name.removeprefix("no") if name.removeprefix("no") in unused else name
        if word.startswith("-") and name in unused:
            raise ValueError(
                f"{command} does not use --{name}. {unused[name]} "
                f"See python main.py {command} --help."
            )


def _no_comparison(command, rows):
    return ValueError(
        f"A flagfile of a comparison was given to {command}, which compares no methods. Expected "
        f"one without lines --{methods.FLAG}. Received: {len(rows)} of them, the first "
        f"--{methods.FLAG}={rows[0][0]}. Give it to the command compare, or give {command} the "
        "flags of one row."
    )


def _read(section, flag_values, command):
    try:
        return section.read(flag_values)
    except ValueError as error:
        place = _place(section, str(error), command)
        if place in str(error):
            raise
        raise ValueError(f"{error} {place if place.endswith('.') else f'({place})'}") from None


def _place(section, sentence, command):
    """Where to mend what a section refused: the flag of the field that it names, or a sentence."""
    for flag in section.flags:
        if sentence.startswith(f"Invalid value for {flag.field}."):
            return flag.unused_by.get(command, f"--{flag.name}")
    return section.name if section.name in sentence else f"section {section.name}"


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
