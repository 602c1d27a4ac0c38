"""What goes into a file beside the weights, the same for every format."""

import dataclasses
import json
import pathlib
import zipfile
import zlib

import numpy as np

from kd_keras.export import files

__all__ = [
    "ARCHIVE_ERRORS",
    "METADATA_NAME",
    "Contents",
    "append_ranges",
    "append_to_archive",
    "class_names_of",
    "read_class_names",
    "read_from_archive",
    "read_ranges",
]

METADATA_NAME = "about.json"

_RANGES_NAME = "activation_ranges.json"

# What Python's reader of archives raises where one is damaged.
ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # no time of day: the same model gives the same file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contents:
    """What goes into a file beside the weights.

    Attributes:
        class_names: One per class, or none.
        include_preprocessing: Whether the file takes pixels from 0 to 255, or standardised
            images.
        batch_size: Images at a time that the file takes, or None for any number.
        representative_images: Images from which a format with whole numbers learns their range,
            in pixels from 0 to 255, shape (images, height, width, channels); None where no such
            format is written.
        activation_ranges: The ranges that a network was trained with, as
            `models.learned_ranges` gives them; none where it was not.
        metadata: Plain values by name to be kept in the file: licence, fingerprints.
    """

    class_names: tuple = ()
    include_preprocessing: bool = True
    batch_size: int | None = None
    representative_images: np.ndarray | None = None
    activation_ranges: dict = dataclasses.field(default_factory=dict)
    metadata: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(
                "Invalid value for batch_size. Expected 1 or more images, or None for any "
                f"number. Received: {self.batch_size}."
            )

    def to_json(self):
        """The metadata with the class names and the kind of input, as text."""
        values = {
            "class_names": list(self.class_names),
            "input": "pixels from 0 to 255"
            if self.include_preprocessing
            else "standardised images",
            **self.metadata,
        }
        return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def append_to_archive(path, members):
    """Append texts to a file as an archive: `unzip -p FILE NAME` shows them.

    Args:
        path: Of the file.
        members: Texts by name.
    """
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), text)


def read_from_archive(path, name):
    """A text that `append_to_archive` put into a file, or "" where there is none.

    Args:
        path: Of the file.
        name: Of the text.

    Returns:
        The text.

    Raises:
        ValueError: If the archive is damaged.
    """
    path = pathlib.Path(path)
    if not zipfile.is_zipfile(path):
        return ""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name).decode("utf-8") if name in archive.namelist() else ""
    except ARCHIVE_ERRORS as error:
        raise files.damaged(path, error) from error


def read_class_names(path):
    """The class names in the metadata that was appended to a file, or none.

    Args:
        path: Of the file.

    Returns:
        A tuple of strings.
    """
    text = read_from_archive(path, METADATA_NAME)
    return class_names_of(text, path) if text else ()


def read_data_fingerprint(path):
    """The fingerprint of the images that a file's network was trained on, as the file says it.

    Args:
        path: Of the file.

    Returns:
        The fingerprint; empty where the file says nothing of it.
    """
    try:
        return json.loads(read_from_archive(path, METADATA_NAME))["fingerprint"]["data"] or ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def class_names_of(text, path):
    """The class names in a file's metadata.

    Args:
        text: What `Contents.to_json` returned.
        path: Of the file, for the error.

    Returns:
        A tuple of strings.

    Raises:
        ValueError: If the text is damaged.
    """
    try:
        return tuple(map(str, json.loads(text)["class_names"]))
    except (ValueError, KeyError, TypeError) as error:
        raise files.damaged(path, f"Its {METADATA_NAME} is damaged") from error


def append_ranges(path, ranges):
    """Keep the ranges that a network was trained with in its `.keras` file.

    Args:
        path: Of the file.
        ranges: As `models.learned_ranges` gives them; nothing is written where there are none.
    """
    if ranges:
        append_to_archive(path, {_RANGES_NAME: json.dumps(ranges, indent=2) + "\n"})


def read_ranges(path):
    """The ranges of activations that a network was trained with.

    Args:
        path: Of its file.

    Returns:
        Pairs (low, high) by the name of what returns the tensor; none where there are none in the
        file.

    Raises:
        ValueError: If they are damaged.
    """
    if not pathlib.Path(path).is_file():
        return {}
    text = read_from_archive(path, _RANGES_NAME)
    try:
        ranges = json.loads(text) if text else {}
        return {name: (float(low), float(high)) for name, (low, high) in ranges.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise files.damaged(path, f"Its {_RANGES_NAME} is damaged") from error
