"""Where decoded images are put: in memory while they fit, else in a file mapped from disk.

A mapped dataset lies in a folder of its own in the cache directory, named after a fingerprint of
all that its pixels depend on, so that it is decoded once, and decoded anew when the source has
changed. Such a folder can be deleted whenever no program reads it.
"""

import dataclasses
import hashlib
import os
import pathlib
import shutil

import numpy as np

from kd_keras.data import blocks, progress, splits
from kd_keras.files import open_atomically

__all__ = ["Store"]

_FORMAT_VERSION = 1  # to be raised when what is written for the same source changes
_BYTES_PER_GIGABYTE = 10**9


def _fingerprint_of_files(files, options):
    """Fingerprint paths, sizes and modification times, which is quick for a million files."""
    digest = hashlib.sha256(repr((_FORMAT_VERSION, options)).encode())
    for file in files:
        status = os.stat(file)
        identity = (os.path.abspath(file), status.st_size, status.st_mtime_ns)
        digest.update(repr(identity).encode())
    return digest.hexdigest()


def _check_count(received, expected, name):
    if received != expected:
        raise ValueError(
            f"Unexpected number of images in {name}. Expected {expected}. Received: {received}."
        )


def _check_free_space(file, size_bytes):
    """Refuse before long work what would fail after it."""
    needed = size_bytes - (file.stat().st_size if file.exists() else 0)
    free = shutil.disk_usage(file.parent).free
    if needed > free:
        raise OSError(
            f"Not enough space for decoded images in {file.parent}. Expected "
            f"{needed / _BYTES_PER_GIGABYTE:.2f} GB free. Received: "
            f"{free / _BYTES_PER_GIGABYTE:.2f} GB. Make room, or choose another disk with "
            "--cache_directory."
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Store:
    """Where the images of datasets are put.

    Args:
        cache_directory: Of the mapped files; `~` stands for the home folder.
        memory_limit_gigabytes: Of 10^9 bytes. A dataset larger than it is mapped from disk.
    """

    cache_directory: str
    memory_limit_gigabytes: float

    def hold(self, read, *, shape, dataset_images, name, files, options=()):
        """Read the images of one split, or find them where they were read before.

        Memory never holds more than the images once, and one piece; of mapped images one piece.

        Args:
            read: Called without arguments, returns an iterable of pieces: images uint8, labels
                int, in order. Not called where the images are on disk already.
            shape: (images, height, width, channels).
            dataset_images: How many images all splits have together: they are all in memory, or
                all on disk.
            name: What is read, for people.
            files: Paths of what is read. The images are read anew when one of them changes.
            options: What else the pixels depend on: plain values.

        Returns:
            A `Split`.

        Raises:
            OSError: If there is not enough space on the disk.
            ValueError: If another number of images comes than expected, or what was read before is
                damaged.
        """
        dataset_bytes = dataset_images * int(np.prod(shape[1:]))
        if dataset_bytes <= self.memory_limit_gigabytes * _BYTES_PER_GIGABYTE:
            pieces = progress.reported(read(), shape[0], name)
            return splits.Split.from_arrays(*_read_into_memory(pieces, shape, name))
        key = _fingerprint_of_files(files, (options, shape))
        directory = pathlib.Path(self.cache_directory).expanduser()
        folder = directory / f"{name.replace(' ', '-')}-{key[:16]}"
        images_file, labels_file = folder / "images.npy", folder / "labels.npy"
        if not images_file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            pieces = progress.reported(read(), shape[0], name)
            _read_onto_disk(pieces, images_file, labels_file, shape=shape, name=name)
        return splits.Split.from_arrays(*_open_mapped(images_file, labels_file))


def _open_mapped(images_file, labels_file):
    try:
        return np.load(images_file, mmap_mode="r"), np.load(labels_file)
    except (ValueError, EOFError, FileNotFoundError) as error:
        raise ValueError(
            f"Damaged decoded images in {images_file.parent}. Expected images.npy and labels.npy, "
            f"whole. Received: {str(error).rstrip('.')}. Remove the folder: they are decoded anew."
        ) from error


def _read_into_memory(pieces, shape, name):
    images, labels = blocks.allocate(shape), np.empty(shape[:1], np.int32)
    start = 0
    for piece, piece_labels in pieces:
        end = start + len(piece)
        if end > shape[0]:
            _check_count(end, shape[0], name)
        images[start:end], labels[start:end] = piece, piece_labels
        start = end
    _check_count(start, shape[0], name)
    return images, labels


def _write_images(pieces, file, shape):
    """Write an .npy file a piece at a time; return the labels.

    Written, not mapped: on a full disk that is an error and not the end of the process.
    """
    labels = [np.empty(0, np.int32)]
    header = {"descr": "|u1", "fortran_order": False, "shape": tuple(shape)}
    file.touch()
    with open(file, "r+b") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for piece, piece_labels in pieces:
            stream.write(np.ascontiguousarray(piece))
            labels.append(np.asarray(piece_labels, np.int32))
        stream.flush()
        os.fsync(stream.fileno())
    return np.concatenate(labels)


def _read_onto_disk(pieces, images_file, labels_file, *, shape, name):
    """Write both files; the one with the images is there only when both are complete.

    A run that is killed leaves an incomplete file, which the next one writes over from its start.
    Two runs at once write the same bytes into it, so that neither harms the other.
    """
    incomplete = images_file.with_suffix(".incomplete")
    _check_free_space(incomplete, int(np.prod(shape)))
    try:
        labels = _write_images(pieces, incomplete, shape)
        _check_count(len(labels), shape[0], name)
    except (OSError, ValueError):
        # The source is to be mended, which changes its fingerprint: nobody would come back here.
        incomplete.unlink(missing_ok=True)
        raise
    with open_atomically(labels_file, "wb") as stream:
        np.save(stream, labels)
    try:
        os.replace(incomplete, images_file)
    except FileNotFoundError:
        # Another run has finished first, with the same bytes.
        if not images_file.exists():
            raise
