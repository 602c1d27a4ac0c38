"""The teacher's logits on disk: built once, checked when opened, shared by every run.

An entry is a folder with the logits of one teacher for the views of one split: a manifest of what
it was built from, a ledger of how far it is complete, and a few large files of rows. It is named
by a fingerprint of everything that the logits depend on; how many views it holds is not part of
that, so that a longer run extends it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "catalogue": [
            "Summary",
            "find_entry",
            "find_request",
            "remove_entry",
            "root_of",
            "summarize_entries",
        ],
        "checking": ["check_entry"],
        "entry": ["Entry"],
        "opening": ["open_signal"],
        "reading": ["CachedSignal"],
        "records": ["make_record"],
        "request": ["Request"],
    },
)
