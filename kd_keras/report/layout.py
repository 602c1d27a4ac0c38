"""What a page is laid out from: sections of text, figures, tables and pictures.

What they say is in `sections`, how they look is in `page` and its templates.
"""

import dataclasses

__all__ = ["Card", "Drawing", "Figure", "Section", "Table"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drawing:
    """One drawing of a figure.

    Attributes:
        name: The name of its file, without the suffix; no other drawing of the page has it.
        svg: As the functions in `figures` return it.
        description: What is seen, for those who do not see it.
        wide: Whether it keeps its width, and is scrolled sideways where there is no room.
    """

    name: str
    svg: str
    description: str
    wide: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """Drawings side by side, and below them in plain words what they say and what not."""

    drawings: tuple
    caption: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows.
        rows: Dictionaries from a heading, which names the unit, to a value.
        folded: Whether it is opened by the reader.
    """

    caption: str
    rows: tuple
    folded: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """A picture with lines of text below it: its PNG, a description, (name, value) pairs."""

    png: bytes
    description: str
    lines: tuple


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """A section of the page.

    Attributes:
        name: Its anchor.
        heading: Its heading.
        paragraphs: Sentences under the heading.
        figures: `Figure`s.
        tables: `Table`s.
        cards: `Card`s.
        commands: Pairs of what a command made and the command.
    """

    name: str
    heading: str
    paragraphs: tuple = ()
    figures: tuple = ()
    tables: tuple = ()
    cards: tuple = ()
    commands: tuple = ()
