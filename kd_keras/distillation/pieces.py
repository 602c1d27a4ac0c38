"""A functional network, run as several pieces one after the other.

Where a network is cut and how a piece is run is up to who cuts it: `forward` compiles what lies
between two exchanges of replicas, `recomputing` forgets what a piece computes inside.
"""

import collections

import keras
import tensorflow as tf

__all__ = ["Pieces", "ordered_nodes", "run_with_losses"]


def run_with_losses(model):
    """A function that runs a model and adds up its regularisation losses.

    Args:
        model: A built functional model. Its output may have any structure.

    Returns:
        A function of (inputs, training) that returns the outputs and the sum of the losses that
        the layers add (weight and activity regularisers), a float32 scalar.

    Example:
        >>> image = keras.Input([2])
        >>> model = keras.Model(image, keras.layers.Dense(3, kernel_initializer="ones")(image))
        >>> outputs, regularization = run_with_losses(model)(tf.ones([1, 2]), training=False)
        >>> outputs.numpy().tolist(), float(regularization)
        ([[2.0, 2.0, 2.0]], 0.0)
    """

    def run(inputs, training):
        # A model made from its list of inputs wants a list of one image too.
        structure = getattr(model, "_inputs_struct", inputs)
        packed = keras.tree.pack_sequence_as(structure, keras.tree.flatten(inputs))
        outputs = model(packed, training=training)
        return outputs, _sum_losses(model.losses)

    return run


def _sum_losses(losses):
    return tf.add_n([tf.zeros([]), *(tf.cast(loss, tf.float32) for loss in losses)])


def ordered_nodes(model):
    """The nodes of a functional model's graph, its calls, in the order in which Keras runs them."""
    return [
        node
        for depth in sorted(model._nodes_by_depth, reverse=True)
        for node in model._nodes_by_depth[depth]
        if not node.is_input
    ]


class Pieces:
    """A functional model, run as the pieces that its nodes were grouped into.

    Each piece is a functional model of its own over the same layers.

    Args:
        model: The model, as functional as `ordered_nodes` needs it.
        groups: Lists of consecutive nodes; joined they are `ordered_nodes(model)`.
        make: Called with the model of a piece and its nodes; returns a function of a list of
            tensors and `training`, which returns the piece's outputs and its regularisation
            losses, a scalar.

    Example:
        >>> image = keras.Input([2])
        >>> hidden = keras.layers.Dense(3, kernel_initializer="ones")(image)
        >>> model = keras.Model(image, keras.layers.Dense(1, kernel_initializer="ones")(hidden))
        >>> groups = [[node] for node in ordered_nodes(model)]
        >>> pieces = Pieces(model, groups, lambda piece, nodes: run_with_losses(piece))
        >>> pieces(tf.ones([1, 2]), training=False)[0].numpy().tolist()
        [[6.0]]
    """

    def __init__(self, model, groups, make):
        self._inputs, self._outputs = model._inputs_struct, model._outputs_struct
        nodes = [node for group in groups for node in group]
        self._steps = [self._make_step(group, nodes, make) for group in groups]
        self._repeated = _count_again(groups)

    def _make_step(self, group, nodes, make):
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
        piece = keras.Model(list(arguments.values()), results)
        return make(piece, group), list(arguments), list(map(id, results))

    def __call__(self, inputs, training):
        """The model's outputs and the sum of its regularisation losses."""
        named = zip(keras.tree.flatten(self._inputs), keras.tree.flatten(inputs), strict=True)
        values = {id(tensor): tf.cast(value, tensor.dtype) for tensor, value in named}
        regularization = tf.zeros([])
        for run, arguments, results in self._steps:
            outputs, losses = run([values[argument] for argument in arguments], training)
            values.update(zip(results, keras.tree.flatten(outputs), strict=True))
            regularization += losses
        for layer, times in self._repeated:
            for variable in layer.trainable_variables:
                if variable.regularizer is not None:
                    regularization -= times * variable.regularizer(variable.value)
        outputs = keras.tree.map_structure(lambda tensor: values[id(tensor)], self._outputs)
        return outputs, regularization


def _count_again(groups):
    """Layers that are in several pieces, each of which adds their weights' losses, and how often.

    Returns:
        Pairs of a layer and the number of pieces beyond the first.
    """
    layers, counts = {}, collections.Counter()
    for group in groups:
        inside = {id(node.operation): node.operation for node in group}
        layers |= inside
        counts.update(inside.keys())
    return [(layers[key], count - 1) for key, count in counts.items() if count > 1]
