"""The sections of the page: one a module, each a function `describe` from `Content` to a `Section`.

A section of which nothing is there is None. The order of `ORDER` is that of the page.
"""

import importlib

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"disagreement": ["choose_disagreements"], "tiles": ["describe_tiles"]},
)
__all__ += ["ORDER", "describe_all"]

ORDER = (
    "front",
    "searched",
    "results",
    "training",
    "adversary",
    "sizes",
    "logits",
    "calibration",
    "confusion",
    "disagreement",
    "files",
    "alternatives",
    "record",
)


def describe_all(content):
    """The sections that there is something for.

    Args:
        content: A `Content`.

    Returns:
        A list of `layout.Section`.
    """
    modules = (importlib.import_module(f"{__name__}.{name}") for name in ORDER)
    found = (module.describe(content) for module in modules)
    return [section for section in found if section is not None]
