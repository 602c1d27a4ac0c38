"""The distiller: one model that trains a student on labels, a teacher and a learned loss.

What the student hears of the teacher is in `signal`, and in the folder `cache` where it is kept.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={"cache"},
    submod_attrs={
        "adversary": ["Adversary"],
        "callbacks": ["DiscriminatorMonitor", "Schedule"],
        "distiller": ["Distiller"],
        "taps": ["count_features"],
        "signal": ["Signal", "make_request", "make_signal", "require_kept"],
    },
)
