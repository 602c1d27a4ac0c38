"""Arguments of losses given as texts, as a command line has them.

The type is that of the argument's default in the loss's constructor.
"""

import inspect

from kd_keras import losses, registry

__all__ = ["read_options"]


def read_options(name, texts):
    """Turn texts into arguments of a loss's constructor.

    Args:
        name: The loss's name.
        texts: Texts by the argument's name. Several names in one, such as taps, are joined by
            a plus sign.

    Returns:
        Values by the argument's name.

    Raises:
        ValueError: If the loss has no such argument, or a text is not of its type.

    Example:
        >>> read_options("attention_transfer", {"taps": "group2+group3", "power": "1"})
        {'taps': ('group2', 'group3'), 'power': 1.0}
    """
    entry = registry.locate("loss", losses.TABLE, name)
    parameters = inspect.signature(entry).parameters
    defaults = {key: value.default for key, value in parameters.items() if key != "name"}
    return registry.convert_texts(name, defaults, texts)
