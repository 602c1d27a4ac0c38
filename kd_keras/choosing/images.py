"""What a network must know of the images that it is for, remembered so that they need not be read.

A network takes as long for a picture of noise as for one of a cat.
"""

import dataclasses
import json
import pathlib

import numpy as np

from kd_keras import assembly, files, startup

__all__ = ["PLACE", "Images", "find_images", "recorded_images"]

# The fields of a data section that decide which images they are.
PLACE = ("dataset", "data_directory", "image_size", "resize")


@dataclasses.dataclass(frozen=True)
class Images:
    """The size of images and the number of their classes.

    Attributes:
        image_shape: (height, width, channels) in pixels.
        num_classes: Number of classes.
    """

    image_shape: tuple
    num_classes: int

    @property
    def mean(self):
        """Of each channel, in pixels: any will do, shape (channels,)."""
        return np.full(self.image_shape[-1], 128, np.float32)

    @property
    def standard_deviation(self):
        """Of each channel, in pixels: any will do, shape (channels,)."""
        return np.full(self.image_shape[-1], 64, np.float32)

    @property
    def description(self):
        """In words."""
        height, width, channels = self.image_shape
        return f"images of {height} x {width} x {channels}, {self.num_classes} classes"


def find_images(config, path, *, again=False):
    """The images of a configuration, as they were seen on an earlier call, or else loaded.

    Args:
        config: The `Config`.
        path: The file in which they are remembered.
        again: Whether to load them though they are remembered.

    Returns:
        The `Images`.

    Raises:
        ValueError, FileNotFoundError: As `data.load`.
    """
    path, section = pathlib.Path(path), config.data
    remembered = files.read_json(path, "Remove it.") if path.is_file() else {}
    place = {name: getattr(section, name) for name in PLACE}
    if section.data_directory:
        place["data_directory"] = str(pathlib.Path(section.data_directory).expanduser().absolute())
    key = json.dumps(place)
    if again or key not in remembered:
        startup.start_tensorflow()
        splits = assembly.load_splits(config)
        remembered[key] = {
            "image_shape": list(splits.image_shape),
            "num_classes": splits.num_classes,
        }
        files.write_json(path, remembered)
    found = remembered[key]
    return Images(tuple(found["image_shape"]), found["num_classes"])


def recorded_images(facts):
    """The images of a run, from its `config.json`."""
    return Images(tuple(facts["image_shape"]), len(facts["class_names"]))
