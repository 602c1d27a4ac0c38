"""The page itself: sections put into HTML for a browser, and into Markdown with figures beside it.

How they look is in `templates`; what they say in `sections`.
"""

import pathlib
import re

import jinja2
import markupsafe

from kd_keras import files
from kd_keras.report import drawing, palette, pixels, sections, tables

__all__ = ["render_html", "render_markdown", "write_page"]

FIGURES_FOLDER = "report_figures"

_SHORT = 12  # letters of a name that is not broken

_SPECIAL_IN_MARKDOWN = re.compile(r"([\\`*_{}\[\]|~#])")


def write_page(content, folder):
    """Write `report.html`, and `report.md` with its figures beside it.

    Args:
        content: A `Content`.
        folder: Where to.

    Returns:
        The paths of the two.

    Raises:
        OSError: If the folder cannot be written.
    """
    folder = pathlib.Path(folder)
    described = sections.describe_all(content)
    written = {
        folder / "report.html": render_html(content, described),
        folder / "report.md": render_markdown(content, described),
    }
    drawings = [d for s in described for figure in s.figures for d in figure.drawings]
    figures = {folder / FIGURES_FOLDER / f"{d.name}.svg": d.svg for d in drawings}
    for path, text in (figures | written).items():
        with files.open_atomically(path) as file:
            file.write(text)
    for path in (folder / FIGURES_FOLDER).glob("*.svg"):
        if path not in figures:
            path.unlink()  # of an earlier page
    return tuple(written)


def render_html(content, described):
    """The page as one HTML document that needs nothing else.

    Args:
        content: A `Content`.
        described: Its sections, as `sections.describe_all` gives them.

    Returns:
        The document. It is well-formed XML too.
    """
    environment = _environment(autoescape=True)
    environment.filters |= {
        "breakable": _breakable,
        "data_uri": pixels.data_uri,
        "inline": _inline,
    }
    return _render(environment, "page.html", content, described)


def render_markdown(content, described):
    """The same in short as Markdown, with figures in `report_figures/`.

    Args:
        content: A `Content`.
        described: Its sections, as `sections.describe_all` gives them.

    Returns:
        The document.
    """
    environment = _environment(autoescape=False)
    environment.finalize = _escape_markdown
    environment.filters |= {"code": _as_code, "address": _address}
    return _render(environment, "page.md", content, described)


def _environment(*, autoescape):
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kd_keras.report", "templates"),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["arrange"] = tables.arrange
    return environment


def _render(environment, template, content, described):
    return environment.get_template(template).render(
        content=content,
        sections=described,
        tiles=sections.describe_tiles(content),
        colours=palette.COLOURS,
    )


def _inline(drawn):
    svg = drawing.inline(
        drawn.svg, name=drawn.name, description=drawn.description, keep_size=drawn.wide
    )
    return markupsafe.Markup(svg)


def _breakable(text):
    """A long name, which a narrow column may break after a dot, a hyphen or an underscore."""
    if len(text) <= _SHORT:
        return text
    parts = re.split(r"(?<=[._-])", text)
    return markupsafe.Markup("<wbr/>").join(parts)


def _escape_markdown(value):
    """Whatever a name holds, it stays text."""
    if isinstance(value, markupsafe.Markup):
        return value
    text = " ".join(str(value).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL_IN_MARKDOWN.sub(r"\\\1", text)


def _address(drawn):
    return markupsafe.Markup(f"{FIGURES_FOLDER}/{drawn.name}.svg")


def _as_code(value):
    """A block of code, in a fence that the code does not hold."""
    fence = max(["``", *re.findall("`+", value)], key=len) + "`"
    return markupsafe.Markup(f"{fence}\n{value}\n{fence}")
