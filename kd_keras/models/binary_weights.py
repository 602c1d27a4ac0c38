"""Convolutions with binary weights, for study: what is lost where a weight is one bit."""

import keras
import tensorflow as tf

from kd_keras.models import graphs, kernel_transforms

__all__ = ["BinaryConv2D", "binarize", "with_binary_weights"]


def binarize(kernel):
    """Weights of one magnitude per filter, with a straight-through gradient.

    W_binary = alpha sign(W), alpha = mean |W| over the filter, sign(0) = 1. Of all such weights
    these are the nearest to W. The gradient with respect to W, with n weights in the filter, is

        dL/dW = dL/dW_binary (1 / n + alpha 1[|W| <= 1])

    Args:
        kernel: float32, shape (height, width, inputs, filters).

    Returns:
        The weights, of the same shape.

    Example:
        >>> kernel = tf.reshape([[0.5, -4.0], [-1.5, 0.0]], [1, 1, 2, 2])
        >>> binarize(kernel).numpy()[0, 0]
        array([[ 1., -2.],
               [-1.,  2.]], dtype=float32)

    Reference:
        Rastegari, Ordonez, Redmon, Farhadi, "XNOR-Net: ImageNet Classification Using Binary
        Convolutional Neural Networks", 2016, sections 3.1 and 3.1's algorithm 1.
    """
    axes = list(range(len(kernel.shape) - 1))
    alpha = tf.reduce_mean(tf.abs(kernel), axes, keepdims=True)
    num_weights = tf.cast(tf.size(kernel) // tf.shape(kernel)[-1], kernel.dtype)
    within = tf.cast(tf.abs(kernel) <= 1.0, kernel.dtype)

    @tf.custom_gradient
    def apply(kernel):
        signs = tf.where(kernel >= 0.0, 1.0, -1.0)
        return alpha * signs, lambda upstream: upstream * (1.0 / num_weights + alpha * within)

    # alpha is a constant to the tape: its part of the gradient is the 1 / n above.
    alpha = tf.stop_gradient(alpha)
    return apply(kernel)


@keras.saving.register_keras_serializable(package="kd_keras")
class BinaryConv2D(kernel_transforms.TransformedConv2D):
    """`keras.layers.Conv2D` that multiplies by `binarize` of its kernel.

    Its kernel stays in floating point, where small steps of the optimiser add up. Its arguments
    are those of `keras.layers.Conv2D`.

    Reference:
        Rastegari, Ordonez, Redmon, Farhadi, "XNOR-Net: ImageNet Classification Using Binary
        Convolutional Neural Networks", 2016.
    """

    def transform(self, kernel):
        """The binary weights."""
        return binarize(kernel)


def with_binary_weights(model):
    """The same network with binary weights in every convolution but the first.

    The first convolution and the layers that are no `keras.layers.Conv2D`, the last one among
    them, keep their weights, as in the paper.

    Args:
        model: A functional `keras.Model`.

    Returns:
        A functional model; the convolutions are new, with a copy of the weights, the other layers
        are the model's.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If it has fewer than two convolutions.

    Example:
        >>> image = keras.Input((4, 4, 1))
        >>> x = keras.layers.Conv2D(2, 3)(keras.layers.Conv2D(2, 1)(image))
        >>> model = with_binary_weights(keras.Model(image, keras.layers.Flatten()(x)))
        >>> [type(layer).__name__ for layer in model.layers]
        ['InputLayer', 'Conv2D', 'BinaryConv2D', 'Flatten']
    """
    graphs.require_functional(model)
    layers = model._flatten_layers(include_self=False, recursive=True)
    _, *others = [x for x in layers if type(x) is keras.layers.Conv2D] or [None]
    if not others:
        raise ValueError(
            f"Cannot make the weights of {model.name} binary. Expected two convolutions or more, "
            "because the first keeps its weights. Received: fewer."
        )
    return _rebuild(model, {id(layer): None for layer in others})


def _rebuild(model, twins):
    """Rebuild one graph; `twins` has the layers to be replaced by their ids, and by what."""

    def replace(operation):
        if graphs.is_functional(operation):
            twins.setdefault(id(operation), _rebuild(operation, twins))
        elif twins.get(id(operation), operation) is None:
            twins[id(operation)] = kernel_transforms.twin_of(operation, BinaryConv2D)
        return twins.get(id(operation), operation)

    return graphs.rebuild(model, layer=replace)
