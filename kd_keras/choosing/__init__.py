"""Which student to take: before any is trained, and after a search or a comparison.

The mathematics and the sentences are in `search`; here are the folders and the machine.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "trained": ["choose_trained"],
        "untrained": ["choose_untrained"],
    },
)
