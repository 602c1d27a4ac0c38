"""How datasets of this package read a split's images, and what they end with.

What a batch is made of is in `batches` and `views`.
"""

import os

import numpy as np
import tensorflow as tf

__all__ = ["PARALLEL_CALLS", "finished", "image_reader", "on_host", "untuned"]

PARALLEL_CALLS = min(os.cpu_count() or 1, 16)
"""How many elements of a dataset are made at once."""

_READY_BATCHES = 4  # that wait to be used


def on_host(array):
    """A tensor beside the input pipeline, which runs on the host, whatever device is in scope."""
    with tf.device("CPU:0"):
        return tf.constant(array)


def finished(batches):
    """The last steps that all datasets of batches have in common."""
    options = tf.data.Options()
    # The rewriting of the graph copies every tensor that a function captures: all images.
    options.experimental_optimization.apply_default_optimizations = False
    return untuned(batches.with_options(options).prefetch(_READY_BATCHES))


def untuned(dataset):
    """A dataset whose iterators are let go of at once.

    The thread that tunes a dataset sleeps for up to a minute, and who lets go of an iterator
    meanwhile waits for it: at the end of every validation, for one.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def image_reader(split):
    """A graph function from indices, int64, to images, uint8."""
    block = split.block
    if not block.is_mapped:
        # A tensor that a function captures is passed to it, not copied into its graph.
        pixels, rows = block.tensor, on_host(split.rows)
        return lambda indices: tf.gather(pixels, tf.gather(rows, indices))

    # As a plain array: `np.memmap` does its own accounts at every gather.
    mapped, rows = np.asarray(block.images), split.rows

    def gather(indices):
        return mapped[rows[indices]]

    def read(indices):
        images = tf.numpy_function(gather, [indices], tf.uint8, stateful=False)
        images.set_shape([*indices.shape, *split.image_shape])
        return images

    return read
