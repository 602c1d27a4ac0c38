import contextlib
import gc
import weakref

import tensorflow as tf

from kd_keras.training.tidying import release_graphs


@tf.custom_gradient
def _double(x):
    return tf.identity(x), lambda upstream: 2.0 * upstream


def _trace():
    """A function that takes a custom gradient in its graph, which has run."""

    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = _double(x)
        return tape.gradient(y, x)

    assert float(slope(tf.constant(1.0))) == 2.0
    return slope


def _is_kept(block):
    with block:
        function = _trace()
        graph = weakref.ref(function.get_concrete_function(tf.constant(1.0)).graph)
        del function
    gc.collect()
    return graph() is not None


def test_the_graph_of_a_function_that_nobody_has_is_let_go_of():
    assert not _is_kept(release_graphs())


def test_tensorflow_by_itself_keeps_it():
    """Where this fails, the module is no longer needed."""
    assert _is_kept(contextlib.nullcontext())


def test_what_was_traced_before_and_in_it_still_runs():
    before = _trace()
    with release_graphs():
        inside = _trace()
    for function in (before, inside):
        assert float(function(tf.constant(5.0))) == 2.0
    # A gradient that nobody had asked for, of a function from before.
    function = tf.function(_double)
    function(tf.constant(1.0))
    with release_graphs():
        pass
    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    assert float(tape.gradient(y, x)) == 2.0
