"""The distiller: one model that trains a student on labels, a teacher and a learned loss."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "adversary": ["Adversary"],
        "callbacks": ["DiscriminatorMonitor", "Schedule"],
        "distiller": ["Distiller"],
        "signal": ["CleanSignal"],
    },
)
