"""The figures of the page: one a module, each a function from plain numbers to an SVG."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "confusion": ["draw_confusion"],
        "front": ["FrontPoint", "draw_front"],
        "histograms": ["Histogram", "draw_histograms"],
        "lines": ["Line", "draw_lines"],
        "parallel": ["Coordinate", "draw_parallel"],
        "reliability": ["draw_reliability"],
        "seeds": ["draw_seeds"],
        "sizes": ["Point", "draw_sizes"],
    },
)
