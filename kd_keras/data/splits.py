"""Labelled images in memory or on disk: `Split`, and the three of them in `Splits`.

What reads them from a source is in the source's own module, what divides them in `holdout`, what
turns them into batches in `batches`, the memory below them in `blocks`.
"""

import dataclasses
import functools

import numpy as np

from kd_keras.data import blocks, summaries

__all__ = ["Split", "Splits"]


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Labelled images in a stable order: some rows of a block, and their labels.

    A split never copies its block, so that it costs 12 bytes an image whatever the images weigh.

    Args:
        block: The `blocks.Block` that holds the images.
        rows: Of the block, int64, shape (n,).
        labels: Indices of classes, int32, shape (n,).

    Raises:
        ValueError: If there are not as many labels as rows.

    Example:
        >>> split = Split.from_arrays(np.zeros([3, 8, 8, 1], "uint8"), [0, 1, 0])
        >>> len(split), split.image_shape, split.labels
        (3, (8, 8, 1), array([0, 1, 0], dtype=int32))
        >>> split.images_at([2, 0]).shape
        (2, 8, 8, 1)
    """

    block: blocks.Block
    rows: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        if len(self.rows) != len(self.labels):
            raise ValueError(
                "Images and labels disagree in number. Expected one label for each image. "
                f"Received: {len(self.rows)} images, {len(self.labels)} labels."
            )

    @classmethod
    def from_arrays(cls, images, labels):
        """Make a split of all images of an array.

        Args:
            images: uint8, shape (n, height, width, channels); an `np.memmap` stays on disk.
            labels: Indices of classes, shape (n,).

        Returns:
            The split.

        Raises:
            TypeError: If the images are not uint8 or not of that shape.
            ValueError: If there are not as many labels as images.
        """
        rows = np.arange(len(images), dtype=np.int64)
        return cls(blocks.Block(images), rows, np.asarray(labels, np.int32))

    def __len__(self):
        """How many images there are."""
        return len(self.rows)

    @property
    def image_shape(self):
        """(height, width, channels) of every image."""
        return tuple(self.block.images.shape[1:])

    @functools.cached_property
    def fingerprint(self):
        """SHA-256 of the images, the labels and their order, hexadecimal."""
        return summaries.fingerprint((self,), ())

    def images_at(self, indices):
        """Read some images, and only those.

        Args:
            indices: Of this split, from 0, in any order, shape (m,).

        Returns:
            uint8, shape (m, height, width, channels): a copy.
        """
        rows = self.rows[np.asarray(indices, np.int64)]
        return np.asarray(self.block.images[rows])

    def draw_images(self, count, seed):
        """Read some images that chance chooses, each once.

        Args:
            count: How many, or all if there are fewer.
            seed: The same one draws the same images.

        Returns:
            uint8, shape (m, height, width, channels), in the order of the split.
        """
        count = min(count, len(self))
        chosen = np.random.default_rng(seed).choice(len(self), count, replace=False)
        return self.images_at(np.sort(chosen))

    def select(self, indices):
        """Make a split of some of the images, without reading them.

        Args:
            indices: Of this split, from 0, in the order that the new split is to have.

        Returns:
            A split over the same block.
        """
        indices = np.asarray(indices, np.int64)
        return Split(self.block, self.rows[indices], self.labels[indices])


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Splits:
    """The three splits of a dataset, and what they have in common.

    Args:
        name: Of the dataset.
        train: What is learnt from.
        validation: What the kept model is chosen on; of length 0 where there is none.
        test: What the result is measured on; of length 0 where there is none.
        class_names: One for each label, in the order of the labels.
        flip_keeps_label: Whether a picture means the same in the mirror.
        notes: Sentences for the user about how the data was divided.

    Example:
        >>> from kd_keras import data
        >>> splits = data.load("synthetic")
        >>> splits.image_shape, splits.num_classes, len(splits.train), len(splits.validation)
        ((8, 8, 3), 4, 230, 26)
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    flip_keeps_label: bool
    notes: tuple[str, ...] = ()

    @property
    def image_shape(self):
        """(height, width, channels) of every image."""
        return self.train.image_shape

    @property
    def num_classes(self):
        """How many classes there are."""
        return len(self.class_names)

    @functools.cached_property
    def _pixel_statistics(self):
        return summaries.pixel_statistics(self.train)

    @property
    def mean(self):
        """Of each channel over the training split, pixel values from 0 to 255."""
        return self._pixel_statistics[0]

    @property
    def standard_deviation(self):
        """Of each channel over the training split, pixel values; 1.0 for a constant channel."""
        return self._pixel_statistics[1]

    @functools.cached_property
    def fingerprint(self):
        """SHA-256 of all images and labels, their order and the class names, hexadecimal."""
        return summaries.fingerprint((self.train, self.validation, self.test), self.class_names)
