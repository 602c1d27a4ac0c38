"""The images of whole augmented views in the split's order, such as a teacher is asked about.

A view is what `batches.training_batches` shows in one epoch, there in a random order.
"""

import numpy as np
import tensorflow as tf

from kd_keras.data import reading

__all__ = ["view_batches"]


def view_batches(split, *, batch_size, augmentation, seed, views, first_row=0):
    """The images of whole views, one view after the other, each in the order of the split.

    Args:
        split: A `Split`.
        batch_size: Images in a batch; the last one of a view may hold fewer.
        augmentation: An `Augmentation`, or None for the images as they are.
        seed: Of the views; see `view_seed` in `training_batches`.
        views: Indices of views, in any order, repeated or not.
        first_row: Where to begin in the first of these views.

    Returns:
        A `tf.data.Dataset` of uint8 images, shape (batch, height, width, channels).

    Example:
        >>> from kd_keras import data
        >>> splits = data.load("synthetic")
        >>> batches = view_batches(
        ...     splits.test, batch_size=48, augmentation=None, seed=0, views=[0, 1], first_row=48
        ... )
        >>> [len(images) for images in batches]
        [16, 48, 16]
    """
    read_images = reading.image_reader(split)

    def plan(view, first):
        starts = tf.range(first, len(split), batch_size, tf.int64)
        drawn = augmentation.draw(len(split), seed=seed, view=view) if augmentation else ()
        return starts, *drawn

    def cut(starts, *drawn):
        def make(start):
            end = tf.minimum(start + batch_size, len(split))
            images = read_images(tf.range(start, end))
            columns = [column[start:end] for column in drawn]
            return augmentation.apply(images, *columns) if augmentation else images

        batches = tf.data.Dataset.from_tensor_slices(starts)
        return batches.map(make, num_parallel_calls=reading.PARALLEL_CALLS)

    views = np.asarray(views, np.int64)
    first_rows = np.where(np.arange(len(views)) == 0, first_row, 0).astype(np.int64)
    planned = tf.data.Dataset.from_tensor_slices((views, first_rows)).map(plan).prefetch(1)
    return reading.finished(planned.flat_map(cut))
