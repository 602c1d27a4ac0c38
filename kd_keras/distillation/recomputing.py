"""Gradient checkpointing: what a network computes is forgotten and computed again on the way back.

`keras.RematScope` does not serve: it runs a layer a second time with everything that a run does,
so that dropout draws other masks for the gradient than for the loss, and batch normalisation
moves its statistics twice.
"""

import math

import keras
import tensorflow as tf

from kd_keras.distillation.pieces import Pieces, ordered_nodes, run_with_losses

__all__ = ["Forgetful", "make_recomputed"]


def make_recomputed(model, *, xla=False):
    """Return a function that runs a model and keeps little of it for the way back.

    The network is cut where a single tensor passes, between two residual blocks for instance,
    into pieces of at least the square root of its layers. Of a piece only what comes in is kept.
    On the way back the piece is computed again, with the same random draws, and moves no
    statistics then. The last piece is kept, because the way back begins with it. One more
    forward pass is the price, about a third of a step.

    Args:
        model: A built functional model.
        xla: Whether XLA compiles the function.

    Returns:
        A function of (inputs, training) that returns the outputs and the regularisation losses,
        as `pieces.run_with_losses` does.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If there is no place to cut it at.

    Reference:
        Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.
    """
    if not hasattr(model, "_nodes_by_depth"):
        raise TypeError(
            "Gradient checkpointing needs a functional model. "
            f"Received: {type(model).__name__}. Train it without --checkpoint_gradients."
        )
    groups = _cut_where_one_passes(ordered_nodes(model))
    if len(groups) < 2:
        raise ValueError(
            "Gradient checkpointing needs a place in the middle of the network where a single "
            f"tensor passes from layer to layer. Received: {model.name}, which has none among "
            f"its {len(ordered_nodes(model))} layers. Train it without --checkpoint_gradients."
        )

    def make(piece, nodes):
        return run_with_losses(piece) if nodes is groups[-1] else Forgetful(piece, xla=xla)

    return Pieces(model, groups, make)


def _cut_where_one_passes(nodes):
    """Groups of at least the square root of all nodes, the last one excepted."""
    last_use = {id(tensor): i for i, node in enumerate(nodes) for tensor in node.input_tensors}
    least = math.isqrt(len(nodes))
    groups, group, waiting = [], [], set()
    for position, node in enumerate(nodes):
        group.append(node)
        waiting |= {id(tensor) for tensor in (*node.input_tensors, *node.outputs)}
        waiting = {tensor for tensor in waiting if last_use.get(tensor, -1) > position}
        if len(waiting) == 1 and len(group) >= least:
            groups.append(group)
            group = []
    return [*groups, group] if group else groups


class Forgetful:
    """A functional model that keeps only what comes in for the way back.

    It is run as a pure function of its inputs, its weights and its state, which are what is kept,
    so that it can be run a second time and give the same.

    Args:
        piece: A built functional model, from a list of tensors to a list of tensors.
        xla: Whether XLA compiles the function that it is called in.

    Example:
        >>> image = keras.Input([2])
        >>> layer = keras.layers.Dense(1, kernel_initializer="ones")
        >>> run = Forgetful(keras.Model([image], [layer(image)]))
        >>> with tf.GradientTape() as tape:
        ...     [outputs], _ = run([tf.constant([[3.0, 4.0]])], training=True)
        >>> tape.gradient(outputs, layer.kernel).numpy().tolist()
        [[3.0], [4.0]]
    """

    def __init__(self, piece, *, xla=False):
        self._run = run_with_losses(piece)
        self._weights = piece.trainable_variables
        self._state = piece.non_trainable_variables
        self._xla = xla

    def __call__(self, inputs, training):
        """The outputs, as a list, and the regularisation losses, a scalar."""
        before = [tf.identity(variable.value) for variable in self._state]
        moved = []

        def compute(tensors):
            return self._compute(tensors, before, training)

        @tf.custom_gradient
        def apply(*tensors):
            results, after = compute(tensors)
            moved.extend(after)
            return results, lambda *upstream: self._go_back(compute, tensors, upstream)

        weights = [tf.identity(variable.value) for variable in self._weights]
        *outputs, losses = apply(*inputs, *weights)
        for variable, old, new in zip(self._state, before, moved, strict=True):
            if new is not old:
                variable.assign(new)
        return outputs, losses

    def _compute(self, tensors, state, training):
        """Outputs and losses from inputs and weights, and the state afterwards."""
        count = len(tensors) - len(self._weights)
        inputs, weights = list(tensors[:count]), tensors[count:]
        mapping = zip([*self._weights, *self._state], [*weights, *state], strict=True)
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            outputs, losses = self._run(inputs, training)
        after = [scope.get_current_value(variable) for variable in self._state]
        return [*keras.tree.flatten(outputs), losses], after

    def _go_back(self, compute, tensors, upstream):
        with tf.GradientTape() as tape:
            again = _wait_for(upstream, tensors, xla=self._xla)
            tape.watch([tensor for tensor in again if tensor.dtype.is_floating])
            results, _ = compute(again)
        return tape.gradient(results, again, list(upstream))


def _wait_for(upstream, tensors, *, xla):
    """The same tensors, but not before the way back has come here: early, nothing is gained."""
    if not xla:
        with tf.control_dependencies(upstream):
            return [tf.identity(tensor) for tensor in tensors]
    # XLA knows no order but that of values: a zero that it cannot know to be one.
    first = tf.reshape(upstream[0], [-1])[0]
    zero = tf.where(first == first, tf.zeros_like(first), first)
    return [
        tensor + tf.cast(zero, tensor.dtype) if tensor.dtype.is_floating else tensor
        for tensor in tensors
    ]
