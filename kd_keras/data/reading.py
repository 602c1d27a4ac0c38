"""How datasets of this package read a split's images, and what they end with.

What a batch is made of is in `batches` and `views`.
"""

import tensorflow as tf

__all__ = ["finished", "image_reader", "on_host"]


def on_host(array):
    """A tensor beside the input pipeline, which runs on the host, whatever device is in scope."""
    with tf.device("CPU:0"):
        return tf.constant(array)


def finished(batches):
    """The last steps that all datasets have in common."""
    options = tf.data.Options()
    # The rewriting of the graph copies every tensor that a function captures: all images.
    options.experimental_optimization.apply_default_optimizations = False
    return batches.with_options(options).prefetch(tf.data.AUTOTUNE)


def image_reader(split):
    """A graph function from indices, int64, to images, uint8."""
    block = split.block
    if not block.is_mapped:
        # A tensor that a function captures is passed to it, not copied into its graph.
        pixels, rows = block.tensor, on_host(split.rows)
        return lambda indices: tf.gather(pixels, tf.gather(rows, indices))

    def read(indices):
        images = tf.numpy_function(split.images_at, [indices], tf.uint8, stateful=False)
        images.set_shape([*indices.shape, *split.image_shape])
        return images

    return read
