"""Methods times seeds on one teacher: which rows there are, running them, and what they come to."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "claiming": ["adopt_finished", "claim", "claim_teacher"],
        "planning": ["DEFAULT_METHODS", "Comparison", "Row", "plan"],
        "results": ["gather", "write"],
        "running": ["build_caches", "find_teacher", "require_possible", "run_rows"],
    },
)
