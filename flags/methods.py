"""The methods of a comparison: from the words of `--method` to what each changes.

What a method may change is decided where comparisons are planned, not here.
"""

import dataclasses
import shlex

from flags import flagfiles
from kd_keras import losses
from kd_keras.losses import games

__all__ = ["FLAG", "resolve", "split"]

FLAG = "method"
_FORMS = "LABEL: --flag=value ..., LABEL: PRESET, or PRESET"

# What stands in a method for every name of a table: it is as many methods.
_EACH = {"{loss}": losses.names, "{game}": games.names}


def split(words):
    """Take the methods out of the words of a command line.

    A method with `{loss}` or `{game}` in it is one for each loss or game that there is.

    Args:
        words: Words, flagfiles expanded.

    Returns:
        The other words, and pairs of a method's text and how many of the others stand before it.

    Example:
        >>> split(["--epochs=3", "--method=labels alone: --loss=", "--seeds=0"])
        (['--epochs=3', '--seeds=0'], [('labels alone: --loss=', 1)])
    """
    others, methods = [], []
    for word in flagfiles.join(words, FLAG):
        name, separator, text = word.partition("=")
        if name in (f"--{FLAG}", f"-{FLAG}") and separator:
            methods += [(one, len(others)) for one in _each(text)]
        else:
            others.append(word)
    return others, methods


def _each(text):
    for placeholder, names in _EACH.items():
        if placeholder in text:
            return [text.replace(placeholder, name) for name in names()]
    return [text]


def resolve(text, position, words, read):
    """One method: its label, and what it changes in the configuration.

    A preset stands where the method stands among the other words: what comes after it wins, so
    that `--epochs=5` at the end of a line shortens every method. The flags that are written in
    the method itself win over everything.

    Args:
        text: `LABEL: --flag=value ...`, `LABEL: PRESET` or `PRESET`.
        position: How many of the other words stand before it.
        words: The other words.
        read: From words to a `Config`.

    Returns:
        The label, and pairs of a field, as `distillation.temperature`, and its value.

    Raises:
        ValueError, FileNotFoundError: If it is not understood. The message names the method.
    """
    label, presets, settings = _understand(text)
    try:
        inserted = flagfiles.expand([f"--flagfile={preset}" for preset in presets])
        if split(inserted)[1]:
            raise ValueError(
                f"{presets[0]} is a comparison itself. Expected the preset of one experiment."
            )
        settings = flagfiles.expand(settings)
        nested = split(settings)[1]
        if nested:
            raise ValueError(
                "A method has no methods within it. Expected flags of one experiment, also in a "
                f"flagfile. Received: --{FLAG}={nested[0][0]}. Give it to the whole comparison."
            )
        changed = read([*words[:position], *inserted, *words[position:], *settings])
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(f"In the method {label}: {error}") from None
    return label, _differences(read(words), changed)


def _understand(text):
    """The label, the presets' names and the flags of a method."""
    stripped = text.strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\"":
        stripped = stripped[1:-1].strip()  # in a flagfile no shell takes the quotes off
    label, separator, rest = (part.strip() for part in stripped.partition(":"))
    if not label or label.startswith("-"):
        raise ValueError(f"Invalid value for {FLAG}. Expected {_FORMS}. Received: {text}.")
    if not separator:
        return label.rpartition("/")[2].removesuffix(".flags"), [label], []
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise ValueError(f"In the method {label}: {error}. Received: {rest}.") from None
    first_flag = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    return label, words[:first_flag], words[first_flag:]


def _differences(base, changed):
    pairs = []
    for section in dataclasses.fields(base):
        before, after = getattr(base, section.name), getattr(changed, section.name)
        for field in dataclasses.fields(before):
            value = getattr(after, field.name)
            if value != getattr(before, field.name):
                pairs.append((f"{section.name}.{field.name}", value))
    return tuple(pairs)
