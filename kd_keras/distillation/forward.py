"""One forward pass of a network inside a training step, compiled by XLA on request.

Without XLA it is the pass of the network's faster twin, of `models.accelerate`.

A step under `MirroredStrategy` cannot be compiled as a whole: batch normalisation exchanges its
statistics between the replicas, and optimisers exchange gradients, both of which XLA refuses.
What lies between the exchanges can be compiled, and a gradient tape crosses the pieces.
"""

import keras
import tensorflow as tf

from kd_keras.models import accelerate

__all__ = ["make_forward", "synchronize_batch_normalization"]


def make_forward(model, *, xla=False):
    """Return a function that runs a model and adds up its regularisation losses.

    Args:
        model: A built functional model. Its output may have any structure.
        xla: Compile with XLA, which finds by itself what to do in one operation. Where batch
            normalisation is synchronised between replicas, the network is cut there and the
            pieces are compiled one by one.

    Returns:
        A function of (inputs, training) that returns the outputs and the sum of the losses that
        the layers add (weight and activity regularisers), a float32 scalar.

    Example:
        >>> image = keras.Input([2])
        >>> model = keras.Model(image, keras.layers.Dense(3, kernel_initializer="ones")(image))
        >>> outputs, regularization = make_forward(model)(tf.ones([1, 2]), training=False)
        >>> outputs.numpy().tolist(), float(regularization)
        ([[2.0, 2.0, 2.0]], 0.0)
    """
    if not xla:
        return _run_with_losses(accelerate(model))
    if any(_communicates(layer) for layer in _leaves(model)):
        return _Pieces(model)
    return tf.function(_run_with_losses(model), jit_compile=True)


def synchronize_batch_normalization(model):
    """Make every batch normalisation of a model take its statistics over all replicas."""
    for layer in _leaves(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def _leaves(model):
    return model._flatten_layers(include_self=False, recursive=True)


def _communicates(layer):
    return isinstance(layer, keras.layers.BatchNormalization) and layer.synchronized


def _sum_losses(losses):
    return tf.add_n([tf.zeros([]), *(tf.cast(loss, tf.float32) for loss in losses)])


def _run_with_losses(model):
    def run(inputs, training):
        # A model made from its list of inputs wants a list of one image too.
        structure = getattr(model, "_inputs_struct", inputs)
        packed = keras.tree.pack_sequence_as(structure, keras.tree.flatten(inputs))
        outputs = model(packed, training=training)
        return outputs, _sum_losses(model.losses)

    return run


class _Pieces:
    """A functional model, run as compiled pieces between its synchronised normalisations.

    The nodes of the model's graph are taken in the order in which Keras runs them. Consecutive
    ones that do not communicate make up a piece, a functional model of its own over the same
    layers.
    """

    def __init__(self, model):
        _refuse_what_cannot_be_cut(model)
        self._inputs, self._outputs = model._inputs_struct, model._outputs_struct
        nodes = [
            node
            for depth in sorted(model._nodes_by_depth, reverse=True)
            for node in model._nodes_by_depth[depth]
            if not node.is_input
        ]
        self._steps = [self._make_step(group, nodes) for group in _group(nodes)]

    def _make_step(self, group, nodes):
        inside = [tensor for node in group for tensor in node.outputs]
        produced = set(map(id, inside))
        arguments = {
            id(tensor): tensor
            for node in group
            for tensor in node.input_tensors
            if id(tensor) not in produced
        }
        wanted = set(map(id, keras.tree.flatten(self._outputs)))
        for node in nodes:
            if node not in group:
                wanted.update(map(id, node.input_tensors))
        results = [tensor for tensor in inside if id(tensor) in wanted]
        run = _run_with_losses(keras.Model(list(arguments.values()), results))
        if not _communicates(group[0].operation):
            run = tf.function(run, jit_compile=True)
        return run, list(arguments), list(map(id, results))

    def __call__(self, inputs, training):
        named = zip(keras.tree.flatten(self._inputs), keras.tree.flatten(inputs), strict=True)
        values = {id(tensor): tf.cast(value, tensor.dtype) for tensor, value in named}
        regularization = tf.zeros([])
        for run, arguments, results in self._steps:
            outputs, losses = run([values[argument] for argument in arguments], training)
            values.update(zip(results, keras.tree.flatten(outputs), strict=True))
            regularization += losses
        outputs = keras.tree.map_structure(lambda tensor: values[id(tensor)], self._outputs)
        return outputs, regularization


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
