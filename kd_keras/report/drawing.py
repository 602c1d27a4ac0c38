"""From a matplotlib figure to a small SVG, for the page and for a file of its own.

What is drawn is in `figures`. Figures are narrow, because a phone is: the page sets several side
by side where there is room.
"""

import functools
import io
import re
import warnings
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib import ticker
from matplotlib.figure import Figure

from kd_keras.report import palette

__all__ = [
    "WIDTH",
    "as_svg",
    "colour",
    "inline",
    "new_figure",
    "shorten",
    "tidy_axes",
    "with_unit",
    "write_logarithmic_ticks",
]

WIDTH = 360  # points; a phone shows it at about its own size

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
# The first digits of the ticks, by the least number of decades that an axis spans.
_DIGITS = ((0.7, (1, 2, 5)), (0.35, (1, 2, 3, 5, 7)), (0.0, range(1, 10)))
_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "kd_keras",  # the same drawing gives the same file
    "text.parse_math": False,  # a dollar in the name of a class is a dollar
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
}


def colour(name):
    """The fixed colour of that name."""
    return palette.COLOURS[name][0]


def shorten(text, length=44):
    """A text that is no longer than that, for a legend.

    Example:
        >>> shorten("a student of great renown", 12)
        'a student o…'
    """
    return text if len(text) <= length else text[: length - 1] + "…"


def new_figure(height, width=WIDTH):
    """An empty figure of that size in points."""
    return Figure(figsize=(width / 72, height / 72), layout="constrained")


def tidy_axes(axes, *, grid="y"):
    """Quiet axes: text in the page's ink, thin grid lines behind what is drawn."""
    for spine in axes.spines.values():
        spine.set_color(colour("muted"))
    axes.tick_params(color=colour("muted"), labelcolor=colour("ink"), labelsize=10)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_color(colour("ink"))
    if grid:
        axes.grid(axis=grid, color=colour("grid"), alpha=0.5, linewidth=0.6)
    axes.set_axisbelow(True)


def write_logarithmic_ticks(axis, values):
    """Write the ticks of a logarithmic axis, more of them where the values are close together."""
    decades = np.ptp(np.log10(values))
    digits = next(digits for least, digits in _DIGITS if decades >= least)
    axis.set_major_locator(ticker.LogLocator(subs=digits, numticks=8))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: with_unit(value)))
    axis.set_minor_formatter(ticker.NullFormatter())


def with_unit(value):
    """A number with k, M or G for thousands, millions and billions.

    Example:
        >>> with_unit(2_500_000), with_unit(0.5)
        ('2.5M', '0.5')
    """
    for size, unit in _UNITS:
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def as_svg(draw):
    """Make a function that returns a figure into one that returns it as an SVG.

    The SVG is in the fixed colours, on a transparent ground, with text as text.

    Args:
        draw: A function that returns a matplotlib figure.

    Returns:
        A function of the same arguments that returns a string. The figure's function is its
        `__wrapped__`.
    """

    @functools.wraps(draw)
    def drawn(*arguments, **options):
        with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
            # The browser brings the fonts; only the widths are measured with matplotlib's own.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            buffer = io.StringIO()
            draw(*arguments, **options).savefig(buffer, format="svg", transparent=True)
        return _clean(buffer.getvalue())

    return drawn


def _clean(text):
    """Leave out what a page has no use for, or would take as its own."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(text)
    root.remove(root.find(f"{{{_SVG}}}metadata"))
    for definitions in root.findall(f"{{{_SVG}}}defs"):
        for style in definitions.findall(f"{{{_SVG}}}style"):
            definitions.remove(style)  # it would hold for the whole page
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    root.set("font-family", "system-ui, sans-serif")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        if "font-family" in element.get("style", ""):
            element.set("style", re.sub(r"font-family:[^;]*;?\s*", "", element.get("style")))
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def inline(svg, *, name, description, keep_size=False):
    """Prepare an SVG for the inside of a page.

    Args:
        svg: As a function with `as_svg` returns it.
        name: What no other drawing of the page is called.
        description: Of what is seen, for those who do not see it.
        keep_size: Whether it has a width of its own; else it is as wide as its place.

    Returns:
        The SVG, in the page's colours.
    """
    for colour_name, (fixed, _, _) in palette.COLOURS.items():
        svg = svg.replace(fixed, f"var(--{colour_name})")
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    root = ElementTree.fromstring(svg)
    del root.attrib["height"]
    width = float(root.attrib.pop("width").removesuffix("pt"))
    if keep_size:
        style = f"; width: {1.25 * width:.0f}px; min-width: {0.9 * width:.0f}px"
        root.set("style", root.get("style") + style)
    root.set("role", "img")
    root.set("aria-label", description)
    return ElementTree.tostring(root, encoding="unicode")
