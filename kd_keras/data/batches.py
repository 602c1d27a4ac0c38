"""Batches for training and evaluation, as `tf.data` datasets.

An epoch is a pure function of the seeds and its number: its order and its augmented view are drawn
at once, with stateless generators. What a batch holds beside the images, such as a teacher's
stored logits, comes from outside.
"""

import numpy as np
import tensorflow as tf

from kd_keras.data import randomness, reading

__all__ = ["evaluation_batches", "steps_per_epoch", "training_batches", "with_examples"]


def steps_per_epoch(split, batch_size):
    """How many full batches a split gives; what is left over is not trained on in that epoch.

    Args:
        split: A `Split`.
        batch_size: Images.

    Returns:
        A number above 0.

    Raises:
        ValueError: If there are fewer images than one batch holds.

    Example:
        >>> from kd_keras import data
        >>> steps_per_epoch(data.load("synthetic").train, 64)
        3
    """
    if not 0 < batch_size <= len(split):
        raise ValueError(
            f"Invalid value for batch_size. Expected 1 to {len(split)}, the number of training "
            f"images. Received: {batch_size}."
        )
    return len(split) // batch_size


def with_examples(extras=None):
    """Extras that carry the numbers of the images in the split, as `examples`, beside others.

    Args:
        extras: As in `training_batches`, or None.

    Returns:
        Extras for `training_batches`.

    Example:
        >>> with_examples()(tf.constant([3, 1]), 0, 0)["examples"].numpy().tolist()
        [3, 1]
    """

    def make(indices, epoch, view):
        others = {} if extras is None else extras(indices, epoch, view)
        return {**others, "examples": indices}

    return make


def _batch_maker(split, extras):
    """A graph function from indices, an epoch and a view to images, extras and labels."""
    read_images = reading.image_reader(split)
    labels = reading.on_host(split.labels)

    def make(indices, epoch, view):
        features = {"image": read_images(indices)}
        if extras is not None:
            features.update(extras(indices, epoch, view))
        return features, tf.gather(labels, indices)

    return make


def _epoch_planner(split, *, batch_size, share, augmentation, seed, views, view_seed):
    """A graph function from an epoch to its batches: indices and view, shape (steps, share)."""
    steps = steps_per_epoch(split, batch_size)
    rows = _rows_of(share, batch_size)

    def plan(epoch):
        keys = randomness.draw_integers(
            [len(split)], purpose=randomness.Purpose.ORDER, seed=seed, index=epoch
        )
        order = tf.argsort(keys, stable=True)[: steps * batch_size]
        view = tf.math.floormod(epoch, views) if views else epoch
        drawn = augmentation.draw(len(split), seed=view_seed, view=view)
        columns = [tf.cast(order, tf.int64), *(tf.gather(column, order) for column in drawn)]
        columns = [tf.reshape(column, [steps, batch_size])[:, rows] for column in columns]
        return (*columns, tf.repeat(epoch, steps), tf.repeat(view, steps))

    return plan


def _rows_of(share, batch_size):
    index, count = share
    if batch_size % count:
        raise ValueError(
            f"Invalid value for batch_size. Expected a multiple of {count}, because so many hosts "
            f"share a batch. Received: {batch_size}."
        )
    size = batch_size // count
    return slice(index * size, (index + 1) * size)


def training_batches(
    split,
    *,
    batch_size,
    augmentation,
    seed,
    first_epoch=0,
    first_step=0,
    extras=None,
    views=0,
    view_seed=None,
    share=(0, 1),
):
    """Endless shuffled and augmented batches.

    Every epoch takes `steps_per_epoch` batches. The next one is planned while the last is used, so
    that nothing pauses between them.

    Args:
        split: The `Split` to train on.
        batch_size: Images in a batch, over all devices together.
        augmentation: An `Augmentation`.
        seed: From 0 to 2^31 - 1. The order of epoch e is a pure function of the seed and e.
        first_epoch: Where to begin: the batches are those that an uninterrupted run would see.
        first_step: How many batches of that epoch to pass over, at no cost.
        extras: Called in the graph as `extras(indices, epoch, view)`, indices into the split,
            int64, shape (batch,), the epoch and the index of its view, int64 scalars; returns a
            dictionary of tensors of batch rows that join the images.
        views: How many augmented views there are: epoch e shows view e modulo views. 0: every
            epoch shows a view of its own, view e.
        view_seed: From 0 to 2^31 - 1. A view is a pure function of this seed and its index, so
            that runs of several seeds can share views. By default the seed.
        share: The part of every batch that is read: which, and of how many that together are the
            batch.

    Returns:
        A `tf.data.Dataset` of `({"image": uint8 (batch, height, width, channels), **extras},
        labels int32 (batch,))`.

    Raises:
        ValueError: If there are fewer images than one batch holds, or a batch has no such parts.

    Example:
        >>> from kd_keras import data
        >>> splits = data.load("synthetic")
        >>> batches = training_batches(
        ...     splits.train, batch_size=64, augmentation=data.Augmentation.resolve(splits), seed=0
        ... )
        >>> features, labels = next(iter(batches))
        >>> features["image"].shape, labels.shape
        (TensorShape([64, 8, 8, 3]), TensorShape([64]))
    """
    plan = _epoch_planner(
        split,
        batch_size=batch_size,
        share=share,
        augmentation=augmentation,
        seed=seed,
        views=views,
        view_seed=seed if view_seed is None else view_seed,
    )
    make = _batch_maker(split, extras)

    def make_augmented(indices, top, left, flip, epoch, view):
        features, labels = make(indices, epoch, view)
        features["image"] = augmentation.apply(features["image"], top, left, flip)
        return features, labels

    epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
    planned = epochs.map(plan).prefetch(1)
    steps = planned.flat_map(lambda *columns: tf.data.Dataset.from_tensor_slices(columns))
    steps = steps.skip(first_step)  # before anything is read
    batches = steps.map(make_augmented, num_parallel_calls=reading.PARALLEL_CALLS)
    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    return reading.finished(batches.apply(endless))


def evaluation_batches(split, *, batch_size, extras=None, share=(0, 1)):
    """All images once, in order, as they are.

    Args:
        split: A `Split`; an empty one gives no batch.
        batch_size: Images in a batch; the last one may hold fewer.
        extras: As in `training_batches`; epoch and view are 0.
        share: Which images are read, and one of how many: `(1, 3)` reads images 1, 4, 7, ...

    Returns:
        A `tf.data.Dataset` of the structure that `training_batches` has.

    Example:
        >>> from kd_keras import data
        >>> batches = evaluation_batches(data.load("synthetic").test, batch_size=48)
        >>> [len(labels) for _, labels in batches]
        [48, 16]
    """
    make = _batch_maker(split, extras)
    zero = tf.constant(0, tf.int64)
    index, count = share
    indices = tf.data.Dataset.range(index, len(split), count).batch(max(1, batch_size // count))
    batches = indices.map(
        lambda indices: make(indices, zero, zero), num_parallel_calls=reading.PARALLEL_CALLS
    )
    return reading.finished(batches)
