"""One forward pass of a network inside a training step, compiled by XLA on request.

Without XLA it is the pass of the network's faster twin, of `models.accelerate`.

A step under `MirroredStrategy` cannot be compiled as a whole: batch normalisation exchanges its
statistics between the replicas, and optimisers exchange gradients, both of which XLA refuses.
What lies between the exchanges can be compiled, and a gradient tape crosses the pieces.
"""

import keras
import tensorflow as tf

from kd_keras.distillation.pieces import Pieces, ordered_nodes, run_with_losses
from kd_keras.distillation.recomputing import make_recomputed
from kd_keras.models import accelerate

__all__ = ["make_forward", "synchronize_batch_normalization"]


def make_forward(model, *, xla=False, checkpoint_gradients=False, trains=True):
    """Return a function that runs a model and adds up its regularisation losses.

    Args:
        model: A built functional model. Its output may have any structure.
        xla: Compile with XLA, which finds by itself what to do in one operation. Where batch
            normalisation is synchronised between replicas, the network is cut there and the
            pieces are compiled one by one.
        checkpoint_gradients: Keep little of what is computed, and compute it again on the way
            back: see `recomputing.make_recomputed`.
        trains: Whether it is ever called with `training`; otherwise nothing is exchanged, and
            the network need not be cut.

    Returns:
        A function of (inputs, training) that returns the outputs and the sum of the losses that
        the layers add (weight and activity regularisers), a float32 scalar.

    Raises:
        TypeError: If the model is not functional, and is to be cut.
        ValueError: If it cannot be cut where that is needed.

    Example:
        >>> image = keras.Input([2])
        >>> model = keras.Model(image, keras.layers.Dense(3, kernel_initializer="ones")(image))
        >>> outputs, regularization = make_forward(model)(tf.ones([1, 2]), training=False)
        >>> outputs.numpy().tolist(), float(regularization)
        ([[2.0, 2.0, 2.0]], 0.0)
    """
    model = model if xla else accelerate(model)
    is_cut = xla and trains and any(_communicates(layer) for layer in _leaves(model))
    if checkpoint_gradients:
        _refuse_what_is_cut_already(model, is_cut)
        run = make_recomputed(model, xla=xla)
    elif is_cut:
        return _compile_between_exchanges(model)
    else:
        run = run_with_losses(model)
    return tf.function(run, jit_compile=True) if xla else run


def synchronize_batch_normalization(model, synchronized=True):
    """Make every batch normalisation of a model take its statistics over all replicas, or not.

    A finished network is saved without: on what it was trained is no part of what it computes.

    Args:
        model: A `keras.Model`.
        synchronized: Whether over all of them, or over the replica's own part.
    """
    for layer in _leaves(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = synchronized


def _leaves(model):
    return model._flatten_layers(include_self=False, recursive=True)


def _communicates(layer):
    return isinstance(layer, keras.layers.BatchNormalization) and layer.synchronized


def _compile_between_exchanges(model):
    _refuse_what_cannot_be_cut(model)

    def make(piece, nodes):
        run = run_with_losses(piece)
        alone = _communicates(nodes[0].operation)
        return run if alone else tf.function(run, jit_compile=True)

    return Pieces(model, _group(ordered_nodes(model)), make)


def _refuse_what_is_cut_already(model, is_cut):
    if is_cut:
        raise ValueError(
            "Gradient checkpointing does not go with XLA on several replicas: what lies between "
            "two batch normalisations is too short to be forgotten. "
            f"Received: {model.name}. Train it without XLA, or on one device."
        )


def _refuse_what_cannot_be_cut(model):
    if not hasattr(model, "_nodes_by_depth"):
        raise TypeError(
            "XLA on several replicas needs a functional model. "
            f"Received: {type(model).__name__}. Train it without XLA, or on one device."
        )
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if any(_communicates(leaf) for inner in nested for leaf in _leaves(inner)):
        raise ValueError(
            "XLA on several replicas needs batch normalisation at the top level of the network. "
            f"Received: {model.name}, with it inside {', '.join(inner.name for inner in nested)}. "
            "Train it without XLA, or on one device."
        )


def _group(nodes):
    groups = []
    for node in nodes:
        alone = _communicates(node.operation)
        if alone or not groups or _communicates(groups[-1][0].operation):
            groups.append([])
        groups[-1].append(node)
    return groups
