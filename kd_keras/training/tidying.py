"""Letting go of what TensorFlow keeps of a run that is over."""

import contextlib

from tensorflow.python.framework import ops

__all__ = ["release_graphs"]

_NAMES = "CustomGradient-"  # as `tf.custom_gradient` calls what it registers


@contextlib.contextmanager
def release_graphs():
    """Let go, at the end of a block, of the graphs whose custom gradients were made in it.

    TensorFlow registers the gradient of each `tf.custom_gradient` in a graph for ever, and with it
    the whole graph: several megabytes for every run in a process. What was traced in the block
    still runs afterwards, and can be traced anew. A gradient that nobody has asked for by then can
    no longer be taken of it.

    Example:
        >>> import tensorflow as tf
        >>> @tf.custom_gradient
        ... def same(x):
        ...     return tf.identity(x), lambda upstream: upstream
        >>> with release_graphs():
        ...     run = tf.function(same)
        ...     value = run(tf.constant(3.0))
        >>> float(run(tf.constant(4.0)))
        4.0
    """
    registered = ops.gradient_registry._registry
    before = set(registered)
    try:
        yield
    finally:
        for name in [n for n in registered if n.startswith(_NAMES) and n not in before]:
            del registered[name]
