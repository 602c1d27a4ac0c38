"""Knowledge distillation with conditional adversarial networks, on Keras.

The library: `data`, `models`, `losses`, `distillation`, `training`, `export`, `metrics`. Each is
imported when it is first used, so that importing this package costs next to nothing.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={
        "config",
        "data",
        "distillation",
        "export",
        "losses",
        "metrics",
        "models",
        "report",
        "training",
    },
)
