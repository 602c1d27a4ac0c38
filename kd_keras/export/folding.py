"""Taking batch normalisation out of a network, into the convolutions before and after it.

Which normalisations can go, and by which numbers, is decided in `folding_plan`; this module
applies the plan. What remains is for TensorFlow Lite and ONNX; a `.keras` file and a SavedModel
keep the network's own layers.
"""

import keras
import numpy as np

from kd_keras.export import folding_plan
from kd_keras.models import graphs

__all__ = ["fold"]


def fold(network):
    """The same function with as few operations as the mathematics allows.

    Per channel, at inference, batch normalisation is x -> g x + h. Three steps remove it:

    - A tensor that only one normalisation reads, and that is a sum of convolutions, is scaled and
      shifted at its source: sum_i g conv_i(x) + h. The kernels take g, one bias takes h.
    - In a pre-activation network a sum is read by a normalisation and by the next sum. Shifted at
      its source by h / g it leaves relu(g x + h) = |g| relu(sign(g) (x + h / g)), and the next sum
      takes the shift back in a bias of its own. The sign is that of the whole stream.
    - |g| > 0 passes through ReLU, pooling and zero padding into the kernels that read it.

    Dropout goes, and the scale of the standardisation goes into the stem's kernel. A
    normalisation stays a product and a sum where its g has another sign than those of its stream,
    is 0 or next to it, or where something else reads the tensor.

    Args:
        network: A functional `keras.Model`, in float32.

    Returns:
        A functional model with weights of its own, and equal outputs but for rounding.

    Example:
        >>> image = keras.Input((4, 4, 1))
        >>> x = keras.layers.Conv2D(2, 3, use_bias=False)(image)
        >>> x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        >>> model = fold(keras.Model(image, keras.layers.Flatten()(x)))
        >>> [type(layer).__name__ for layer in model.layers]
        ['InputLayer', 'Conv2D', 'ReLU', 'Flatten']
    """
    plan = folding_plan.make_plan(network)

    def call(operation, *args, **kwargs):
        replaced = _replaced(plan, operation, args)
        return operation(*args, **kwargs) if replaced is None else replaced

    return graphs.rebuild(network, call=call)


def _replaced(plan, operation, args):
    """What a call of the operation returns instead, or None where the plan leaves it alone."""
    if id(operation) in plan.affine:
        return _affine(args[0], *plan.affine[id(operation)])
    if id(operation) in plan.kernels:
        return _rescaled(operation, plan.kernels[id(operation)])(args[0])
    return args[0] if type(operation) is keras.layers.Dropout else None


def _affine(tensor, shift_before, scale, shift_after):
    """scale (x + shift_before) + shift_after, without the steps that change nothing."""
    if shift_before is not None:
        tensor = tensor + shift_before.astype(np.float32)
    if scale is not None:
        tensor = tensor * scale.astype(np.float32)
    return tensor if shift_after is None else tensor + shift_after.astype(np.float32)


def _rescaled(layer, factors):
    """A layer with the kernel input * k * output, and the bias output * b + offset."""
    twin = type(layer).from_config({**layer.get_config(), "use_bias": True})
    twin.build(layer.input.shape)
    kernel, *bias = (weight.astype(np.float64) for weight in layer.get_weights())
    bias = bias[0] if bias else np.zeros(np.shape(twin.get_weights()[1]))
    if type(layer) is keras.layers.DepthwiseConv2D:
        # Its kernel is (height, width, channels, multiplier), its output in that order.
        output = factors.output.reshape(kernel.shape[2:])
        kernel = kernel * factors.input[:, np.newaxis] * output
    else:
        kernel = kernel * factors.input[:, np.newaxis] * factors.output
    twin.set_weights([kernel, bias * factors.output + factors.offset])
    return twin
