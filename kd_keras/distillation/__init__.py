"""The distiller: one model that trains a student on labels, a teacher and a learned loss.

The one in `joint` has, in a teacher's place, a second network that learns along. What the student
hears of a teacher is in `signal`, and in the folder `cache` where it is kept.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={"cache"},
    submod_attrs={
        "adversary": ["Adversary"],
        "callbacks": ["DiscriminatorMonitor", "Schedule"],
        "distiller": ["Distiller"],
        "forward": ["synchronize_batch_normalization"],
        "joint": ["JointDistiller", "require_both_ways"],
        "taps": ["count_features"],
        "signal": ["Signal", "make_request", "make_signal", "require_kept"],
    },
)
