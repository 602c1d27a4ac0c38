"""Results in words and tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "sentences": ["compare_students"],
        "tables": ["format_table", "result_row", "verdict_row"],
    },
)
