"""Random crops and mirror images, for a whole batch at once.

What is drawn is kept apart from what is done with it: a view of the dataset is a table of random
numbers, which costs next to nothing and can be drawn again at any time. Nothing here knows how
batches are made.
"""

import dataclasses
import typing

import tensorflow as tf

from kd_keras import registry
from kd_keras.data import randomness

__all__ = ["Augmentation", "View"]

_PAD_MODES = {"reflect": "REFLECT", "zero": "CONSTANT"}
_FLIPS = ("auto", "no", "yes")
_DEFAULT_PADDING_SHARE = 8  # of the side, 4 pixels of 32 as is the custom


class View(typing.NamedTuple):
    """One augmented view of some images: how each one is cut and turned.

    Attributes:
        top: First row of the crop in the padded image, int32, shape (n,).
        left: First column of the crop in the padded image, int32, shape (n,).
        flip: Whether the crop is mirrored left to right, bool, shape (n,).
    """

    top: tf.Tensor
    left: tf.Tensor
    flip: tf.Tensor


def _check_crop_padding(crop_padding, image_shape):
    side = min(image_shape[:2])
    if not 0 <= crop_padding < side:
        raise ValueError(
            "Invalid value for crop_padding. Expected -1 for an eighth of the side, or 0 up to but "
            f"not including the side of the images, {side} pixels. Received: {crop_padding}."
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """A random crop of the padded image, and its mirror image half of the time.

    Args:
        crop_padding: Pixels put on each side before the crop; 0: no crop.
        padding: `"zero"`, black, or `"reflect"`, the image's own pixels without its edge.
        flip: Whether to mirror.

    Raises:
        ValueError: If there is no such padding.

    Example:
        >>> augmentation = Augmentation(crop_padding=4, padding="zero", flip=True)
        >>> view = augmentation.draw(50_000, seed=0, view=3)
        >>> images = tf.zeros([2, 32, 32, 3], tf.uint8)
        >>> augmentation.apply(images, view.top[:2], view.left[:2], view.flip[:2]).shape
        TensorShape([2, 32, 32, 3])

    Reference:
        He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2016, section 4.2.
    """

    crop_padding: int
    padding: str
    flip: bool

    def __post_init__(self):
        if self.padding not in _PAD_MODES:
            raise registry.unknown_name("padding", _PAD_MODES, self.padding)

    @classmethod
    def resolve(cls, splits, crop_padding=-1, padding="zero", flip="auto"):
        """Choose the augmentation for a dataset.

        Args:
            splits: `Splits`, for their image shape and whether a flip keeps the label.
            crop_padding: Pixels; -1: an eighth of the shorter side.
            padding: `"zero"` or `"reflect"`.
            flip: `"yes"`, `"no"`, or `"auto"`: where the dataset allows it.

        Returns:
            The augmentation.

        Raises:
            ValueError: If a value is unknown, or the padding is not smaller than the side.

        Example:
            >>> from kd_keras import data
            >>> Augmentation.resolve(data.load("synthetic"))
            Augmentation(crop_padding=1, padding='zero', flip=False)
        """
        if flip not in _FLIPS:
            raise registry.unknown_name("flip", _FLIPS, flip)
        if crop_padding == -1:
            crop_padding = min(splits.image_shape[:2]) // _DEFAULT_PADDING_SHARE
        _check_crop_padding(crop_padding, splits.image_shape)
        flips = splits.flip_keeps_label if flip == "auto" else flip == "yes"
        return cls(crop_padding=crop_padding, padding=padding, flip=flips)

    def draw(self, num_examples, *, seed, view):
        """Draw how every example of a split looks in one view.

        A pure function of the seed, the example's index and the view's index.

        Args:
            num_examples: Of the split.
            seed: From 0 to 2^31 - 1.
            view: Index of the view, such as the epoch; a number or a scalar tensor.

        Returns:
            A `View` of all examples, in the order of the split.
        """
        drawn = randomness.draw_integers(
            [num_examples, 3], purpose=randomness.Purpose.AUGMENTATION, seed=seed, index=view
        )
        offsets = tf.math.floormod(drawn[:, :2], 2 * self.crop_padding + 1)
        flip = tf.math.floormod(drawn[:, 2], 2) == 1
        return View(
            top=offsets[:, 0],
            left=offsets[:, 1],
            flip=flip if self.flip else tf.zeros_like(flip),
        )

    def apply(self, images, top, left, flip):
        """Cut and mirror images as a view says: the crop first, then its mirror image.

        Args:
            images: uint8, shape (batch, height, width, channels), the last three known.
            top: First row of each crop, from 0 to 2 crop_padding, shape (batch,).
            left: First column of each crop, from 0 to 2 crop_padding, shape (batch,).
            flip: Whether to mirror each, bool, shape (batch,).

        Returns:
            uint8, of the shape of images.
        """
        if not self.crop_padding and not self.flip:
            return images
        height, width, channels = images.shape[1:]
        border = [self.crop_padding, self.crop_padding]
        padded = tf.pad(images, [[0, 0], border, border, [0, 0]], _PAD_MODES[self.padding])
        padded_width = width + 2 * self.crop_padding
        columns = tf.range(width)
        columns = tf.where(flip[:, tf.newaxis], tf.reverse(columns, [0]), columns)
        rows = top[:, tf.newaxis] + tf.range(height)
        columns += left[:, tf.newaxis]
        pixels = rows[:, :, tf.newaxis] * padded_width + columns[:, tf.newaxis, :]
        padded_height = height + 2 * self.crop_padding
        flat = tf.reshape(padded, [-1, padded_height * padded_width, channels])
        return tf.gather(flat, pixels, batch_dims=1)
