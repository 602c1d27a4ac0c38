"""Pictures in folders: root/train/<class>/*.jpg, and the same under validation and test."""

import functools
import os
import pathlib

import numpy as np

from kd_keras.data import pictures, splits

__all__ = ["load_image_folder"]


def _visible(folder):
    """The entries of a folder that are not hidden, sorted by name."""
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)


def _class_names(folder):
    return [entry.name for entry in _visible(folder) if entry.is_dir()]


def _check_root(directory):
    if not directory:
        raise ValueError(
            "No folder given for image_folder. Expected one that holds train/<class>/*.jpg. Name "
            "it with --data_directory."
        )
    root = pathlib.Path(directory).expanduser()
    layout = f"Expected {root}/train/<class>/*.jpg. Choose the folder with --data_directory."
    if not root.is_dir():
        raise FileNotFoundError(f"No folder {root}. {layout}")
    if not (root / "train").is_dir():
        raise FileNotFoundError(f"No folder train in {root}. {layout}")
    return root


def _check_class_names(names, folder):
    if len(names) < 2:
        received = f"one, {names[0]}" if names else "none"
        raise ValueError(
            f"Too few classes in {folder}. Expected a folder for each of two or more classes. "
            f"Received: {received}."
        )


def _check_same_classes(names, train_names, folder):
    missing = sorted(set(train_names) - set(names))
    unknown = sorted(set(names) - set(train_names))
    if missing or unknown:
        differences = [f"{name} is missing" for name in missing]
        differences += [f"{name} is not in train" for name in unknown]
        raise ValueError(
            f"Unexpected classes in {folder}. Expected the {len(train_names)} classes of train. "
            f"Received: {', '.join(differences)}."
        )


def _pictures_of(folder):
    """Paths of the pictures of one class, sorted by name."""
    paths = [
        entry.path
        for entry in _visible(folder)
        if entry.name.lower().endswith(pictures.EXTENSIONS) and entry.is_file()
    ]
    if not paths:
        raise ValueError(
            f"No pictures in {folder}. Expected files that end in "
            f"{', '.join(pictures.EXTENSIONS)}. Add some, or take the folder away."
        )
    return paths


def _list(folder, class_names):
    """Paths and labels of a split, sorted by class and name."""
    by_class = [_pictures_of(folder / name) for name in class_names]
    labels = np.repeat(np.arange(len(by_class)), [len(paths) for paths in by_class])
    return [path for paths in by_class for path in paths], labels.astype(np.int32)


def _list_splits(root):
    """Class names, and paths and labels by the name of each split that is there."""
    class_names = _class_names(root / "train")
    _check_class_names(class_names, root / "train")
    found = [name for name in ("train", "validation", "test") if (root / name).is_dir()]
    for name in found[1:]:
        _check_same_classes(_class_names(root / name), class_names, root / name)
    return class_names, {name: _list(root / name, class_names) for name in found}


def _choose_size(first_picture, image_size, resize):
    if resize and not image_size:
        raise ValueError(
            "Invalid value for image_size. Expected the side in pixels to scale to, because "
            "resize is set. Received: 0."
        )
    return (image_size, image_size) if image_size else pictures.size_of(first_picture)


def load_image_folder(directory, *, image_size, resize, image_store):
    """Coloured pictures in a folder for each class.

    Hidden files and what is no picture are ignored, and so is all beside the folders train,
    validation and test. All pictures are decoded once, before the training. What does not fit
    the store's memory limit is decoded piece by piece into a file of the cache and mapped from
    there, so that there can be many more pictures than memory; the next run finds them decoded,
    unless a file or an option has changed.

    Args:
        directory: With a folder train, and validation and test where there are such.
        image_size: Side in pixels that every picture must have; 0: the size of the first.
        resize: Scale pictures of another size to image_size x image_size.
        image_store: The `Store` of the images.

    Returns:
        `Splits` of the folders that are there; classes and pictures sorted by name.

    Raises:
        FileNotFoundError: If there is no such folder, or no folder train in it.
        ValueError: If no folder is given, there are fewer than two classes, a class has no
            pictures, a split has other classes than train, a picture is broken or of another
            size, or resize comes without image_size.
    """
    root = _check_root(directory)
    class_names, listed = _list_splits(root)
    size = _choose_size(listed["train"][0][0], image_size, resize)
    held = {
        name: image_store.hold(
            functools.partial(pictures.pieces, paths, labels, size=size, resize=resize),
            shape=(len(paths), *size, 3),
            dataset_images=sum(len(other) for other, _ in listed.values()),
            name=f"image_folder {name}",
            files=paths,
            options=(resize,),
        )
        for name, (paths, labels) in listed.items()
    }
    empty = held["train"].select([])
    return splits.Splits(
        name="image_folder",
        train=held["train"],
        validation=held.get("validation", empty),
        test=held.get("test", empty),
        class_names=tuple(class_names),
        flip_keeps_label=True,
    )
