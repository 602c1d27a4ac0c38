"""Tables of things that can be named on the command line, and how an entry is built.

A table maps a name to `"module:Attribute"`. The module is imported when the entry is used, so
that listing the names costs nothing. The tables themselves live in the `__init__` of the folder
whose members they list.
"""

import difflib
import importlib
import inspect

__all__ = ["build", "convert_texts", "locate", "submodule_attributes", "unknown_name"]

_BOOLEANS = {"true": True, "false": False}
_CONVERSIONS = {
    bool: (lambda text: _BOOLEANS[text.lower()], "true or false"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "text"),
    tuple: (lambda text: tuple(filter(None, text.split("+"))), "names joined by +"),
}


def unknown_name(kind, expected, received):
    """The error for a name that is in no table.

    Args:
        kind: What the name stands for, in words: `"loss"`.
        expected: The names that exist.
        received: The name that came.

    Returns:
        A `ValueError` to raise.

    Example:
        >>> print(unknown_name("loss", ["soft_target", "logit_l1"], "soft_targets"))
        Unknown loss. Expected one of logit_l1, soft_target. Received: soft_targets. \
Did you mean soft_target?
    """
    message = (
        f"Unknown {kind}. Expected one of {', '.join(sorted(expected))}. Received: {received}."
    )
    near = difflib.get_close_matches(str(received), list(expected), n=1)
    return ValueError(message + (f" Did you mean {near[0]}?" if near else ""))


def locate(kind, table, name):
    """Return the class or function behind a name.

    Args:
        kind: What the table holds, in words, for the error.
        table: Name to `"module:Attribute"`.
        name: One of the table's names.

    Returns:
        The attribute.

    Raises:
        ValueError: If the table has no such name.
    """
    if name not in table:
        raise unknown_name(kind, table, name)
    module_name, attribute = table[name].split(":")
    return getattr(importlib.import_module(module_name), attribute)


def build(kind, table, name, /, **arguments):
    """Build the entry of a table with arguments.

    Args:
        kind: What the table holds, in words, for the error.
        table: Name to `"module:Attribute"`.
        name: One of the table's names.
        **arguments: Passed on by name.

    Returns:
        What the entry returns.

    Raises:
        ValueError: If the table has no such name.
        TypeError: If the entry takes no argument of one of the names given.
    """
    entry = locate(kind, table, name)
    accepted = inspect.signature(entry).parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted.values())
    unexpected = [] if takes_any else sorted(set(arguments) - set(accepted))
    if unexpected:
        named = [p for p, v in accepted.items() if v.kind is not inspect.Parameter.VAR_KEYWORD]
        raise TypeError(
            f"Unexpected argument for {kind} {name}. Expected some of {', '.join(named)}. "
            f"Received: {', '.join(unexpected)}."
        )
    return entry(**arguments)


def convert_texts(owner, defaults, texts):
    """Turn texts, as a command line has them, into arguments of an entry.

    Args:
        owner: The entry's name, for the error.
        defaults: The arguments that it takes, each with its default, whose type is the
            argument's.
        texts: Texts by the argument's name. Several names in one are joined by a plus sign.

    Returns:
        Values by the argument's name.

    Raises:
        ValueError: If there is no such argument, or a text is not of its type.

    Example:
        >>> convert_texts("hint", {"taps": ("group2",), "normalize": True}, {"taps": "a+b"})
        {'taps': ('a', 'b')}
    """
    return {key: _convert(owner, key, text, defaults) for key, text in texts.items()}


def _convert(owner, key, text, defaults):
    if key not in defaults:
        raise unknown_name(f"option of {owner}", defaults, key)
    convert, expected = _CONVERSIONS[type(defaults[key])]
    try:
        return convert(text)
    except (KeyError, ValueError):
        raise ValueError(
            f"Invalid value for {owner}.{key}. Expected {expected}. Received: {text}."
        ) from None


def submodule_attributes(table):
    """Turn a table into what `lazy_loader.attach` takes as `submod_attrs`.

    Example:
        >>> submodule_attributes({"soft_target": "kd_keras.losses.soft_target:SoftTarget"})
        {'soft_target': ['SoftTarget']}
    """
    attributes = {}
    for target in table.values():
        module_name, attribute = target.split(":")
        attributes.setdefault(module_name.rsplit(".", 1)[1], []).append(attribute)
    return attributes
