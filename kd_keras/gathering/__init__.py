"""What a page is about: read from the folders of runs, and asked of their networks.

What the page says and how it looks is in `report`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"contents": ["gather"]})
