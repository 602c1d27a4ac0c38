"""Results in words, tables and figures, and the page that they make.

Everything here takes plain numbers; what they are read from is the affair of `gathering`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "content": ["Alternative", "Contender", "Content", "Judged", "Opinion", "Picture"],
        "page": ["write_page"],
        "sections.disagreement": ["choose_disagreements"],
        "comparison": ["comparison_csv", "comparison_markdown", "comparison_text"],
        "sentences": ["compare_methods", "compare_students"],
        "tried": ["Searched", "Tried"],
        "tables": [
            "format_markdown",
            "format_table",
            "result_row",
            "verdict_details_row",
            "verdict_row",
        ],
    },
)
