"""Distillation losses: one class per file, over the common base in `base`.

To add a loss: one module with the class, and its line in `TABLE`.
"""

import inspect

import lazy_loader

from kd_keras import registry

TABLE = {
    "logit_l1": "kd_keras.losses.logit_l1:LogitL1",
    "logit_regression": "kd_keras.losses.logit_regression:LogitRegression",
    "soft_target": "kd_keras.losses.soft_target:SoftTarget",
}


def names():
    """The names that `get` takes, sorted."""
    return sorted(TABLE)


def arguments(name):
    """The names of the arguments of a loss's constructor.

    Raises:
        ValueError: If there is no loss of that name.
    """
    return tuple(inspect.signature(registry.locate("loss", TABLE, name)).parameters)


def get(name, /, **arguments):
    """Build the loss of that name.

    Args:
        name: One of `names()`.
        **arguments: Of the loss's constructor.

    Returns:
        A `DistillationLoss`.

    Raises:
        ValueError: If there is no loss of that name.
        TypeError: If the loss takes no such argument.
    """
    return registry.build("loss", TABLE, name, **arguments)


__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={"games"},
    submod_attrs={**registry.submodule_attributes(TABLE), "base": ["DistillationLoss"]},
)
__all__ += ["TABLE", "arguments", "get", "names"]
