"""Files of flags: found by path or by a preset's name, and read where they are named."""

import pathlib

__all__ = ["PRESETS", "expand", "find", "join"]

PRESETS = pathlib.Path(__file__).parent / "presets"


def join(words, *names):
    """Write `--name VALUE`, which absl allows too, as one word `--name=VALUE`.

    Example:
        >>> join(["--flagfile", "a", "--epochs", "3"], "flagfile")
        ['--flagfile=a', '--epochs', '3']
    """
    forms = {f"{dashes}{name}" for name in names for dashes in ("--", "-")}
    joined = []
    for word in words:
        if joined and joined[-1] in forms:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def find(name):
    """The file behind a path or a preset's name.

    Raises:
        FileNotFoundError: If there is none.
    """
    for path in (pathlib.Path(name).expanduser(), PRESETS / f"{name}.flags"):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"No flagfile at {name}. Expected a file, or a preset's name: one of the files under "
        "flags/presets without .flags."
    )


def expand(words):
    """Put the lines of every flagfile in its place.

    A line is one word, spaces and all; lines that are empty or start with # or // are remarks. A
    flagfile may name others.

    Args:
        words: Words of a command line.

    Returns:
        Words without any `--flagfile`.

    Raises:
        FileNotFoundError: If a flagfile does not exist.
        ValueError: If a file is no text, or reads itself.
    """
    return list(_expand(words, ()))


def _expand(words, open_files):
    for word in join(words, "flagfile"):
        name, _, value = word.partition("=")
        if name in ("--flagfile", "-flagfile"):
            yield from _read(find(value), open_files)
        else:
            yield word


def _read(path, open_files):
    path = path.resolve()
    if path in open_files:
        raise ValueError(f"The flagfile {path.name} reads itself. Remove its line --flagfile.")
    try:
        # Editors of Windows begin a file with a byte order mark.
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"Damaged flagfile {path}. Expected lines of text.") from None
    lines = (line.strip() for line in lines)
    words = [line for line in lines if line and not line.startswith(("#", "//"))]
    yield from _expand(words, (*open_files, path))
