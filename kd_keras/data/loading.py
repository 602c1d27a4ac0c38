"""The one entry to all datasets: `load`."""

import inspect

from kd_keras import registry
from kd_keras.data import TABLE, holdout, store

__all__ = ["load"]


def _check_settings(name, accepted, *, directory, resize):
    """Refuse what the dataset would silently leave out of account."""
    if directory and "directory" not in accepted:
        raise ValueError(
            f"Dataset {name} needs no folder. Expected an empty data_directory. Received: "
            f"{directory}. To read pictures from a folder choose --dataset=image_folder."
        )
    if resize and "resize" not in accepted:
        raise ValueError(
            f"Dataset {name} cannot be scaled. Expected resize only with --dataset=image_folder."
        )


def _check_image_size(splits, image_size):
    height, width, _ = splits.image_shape
    if image_size and (height, width) != (image_size, image_size):
        raise ValueError(
            f"Invalid value for image_size. Expected the size of the images of {splits.name}, "
            f"{height} x {width} pixels, or 0. Received: {image_size}."
        )


def load(
    name,
    directory="",
    *,
    download=False,
    cache_directory="~/.cache/kd_keras",
    memory_limit_gigabytes=4.0,
    validation_fraction=0.1,
    test_fraction=0.1,
    split_seed=0,
    max_train_examples=0,
    image_size=0,
    resize=False,
):
    """Load a dataset and divide it into training, validation and test.

    The splits that a dataset has are left as they are. What it lacks is held out of its training
    images, drawn by class and by `split_seed`. The same arguments give the same images in the
    same order.

    Args:
        name: One of `kd_keras.data.names()`.
        directory: Where the data lies; empty: the dataset's own place.
        download: Fetch what is missing.
        cache_directory: Of decoded images that are larger than memory.
        memory_limit_gigabytes: Of 10^9 bytes. A dataset that is larger decoded is mapped from disk.
        validation_fraction: Of the training images; 0: no validation split.
        test_fraction: Of the training images, where the dataset has no test split.
        split_seed: Of what is held out.
        max_train_examples: Train on no more images than this; 0: all.
        image_size: Side in pixels that the images must have; 0: as they are.
        resize: Scale pictures of a folder to image_size.

    Returns:
        `Splits`. Its `notes` say what a user should know about how the data was divided.

    Raises:
        ValueError: If there is no dataset of that name, or a setting does not fit the dataset.
        FileNotFoundError: If the data is not there.
        ConnectionError: If it is to be fetched, and its server cannot be reached.
        OSError: If there is not enough space on the disk for decoded images.

    Example:
        >>> splits = load("digits", validation_fraction=0.2)
        >>> len(splits.train), len(splits.validation), len(splits.test)
        (1150, 288, 359)
    """
    accepted = inspect.signature(registry.locate("dataset", TABLE, name)).parameters
    _check_settings(name, accepted, directory=directory, resize=resize)
    settings = {
        "directory": directory,
        "download": download,
        "image_size": image_size,
        "resize": resize,
        "image_store": store.Store(
            cache_directory=cache_directory, memory_limit_gigabytes=memory_limit_gigabytes
        ),
    }
    # A source takes the settings that mean something to it.
    used = {key: value for key, value in settings.items() if key in accepted}
    splits = registry.build("dataset", TABLE, name, **used)
    _check_image_size(splits, image_size)
    return holdout.divide(
        splits,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        split_seed=split_seed,
        max_train_examples=max_train_examples,
    )
