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

# What turns whole numbers into float32 before anything else.
_TO_FLOATS = (keras.layers.Normalization, keras.layers.Rescaling)


def fold(network):
    """The same function with as few operations as the mathematics allows.

    Per channel, at inference, batch normalisation is x -> g x + h. Three steps remove it:

    - A tensor that only one normalisation reads, and that is a sum of convolutions, is scaled and
      shifted at its source: sum_i g conv_i(x) + h. The kernels take g, one bias takes h.
    - In a pre-activation network a sum is read by a normalisation and by the next sum. Shifted at
      its source by h / g it leaves relu(g x + h) = |g| relu(sign(g) (x + h / g)), and the next sum
      takes the shift back in a bias of its own. The sign is that of the whole stream.
    - |g| > 0 passes through ReLU, pooling and zero padding into the kernels that read it.

    Dropout goes, and the scale of the standardisation goes into the stem's kernel; where no kernel
    can take it, the standardisation stays as it is. A normalisation stays a product and a sum where
    its g has another sign than those of its stream, is 0 or next to it, or where something else
    reads the tensor. Images of whole numbers are taken as float32.

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
    return _Folding(network).build()


class _Folding:
    """One network's folding: its plan, and what the plan says put in the place of its calls."""

    def __init__(self, network):
        self._network = network
        self._plan = folding_plan.make_plan(network)
        calls = []
        plain = graphs.rebuild(network, calls=calls)
        self._names = {operation.name for operation in plain.operations}
        self._whole_numbers = _types_of_whole_numbers(plain.inputs, calls)

    def build(self):
        """The folded network."""
        return graphs.rebuild(self._network, call=self._call, input_dtype=_in_floats)

    def _call(self, operation, *args, **kwargs):
        args, kwargs = keras.tree.map_structure(self._as_given, (args, kwargs))
        tensors = graphs.tensors_in(args, kwargs)
        if id(operation) in self._plan.affine:
            return self._affine(tensors[0], *self._plan.affine[id(operation)])
        if id(operation) in self._plan.kernels:
            return _rescaled(operation, self._plan.kernels[id(operation)])(tensors[0])
        if type(operation) is keras.layers.Dropout:
            return tensors[0]
        return operation(*args, **kwargs)

    def _as_given(self, value):
        """An image of whole numbers in its own type again; anything else as it is."""
        if not isinstance(value, keras.KerasTensor):
            return value
        own = self._whole_numbers.get(value._keras_history.operation.name)
        return self._cast(value, own) if own else value

    def _affine(self, tensor, shift_before, scale, shift_after):
        """scale (x + shift_before) + shift_after, without the steps that change nothing."""
        if self._whole_numbers:  # and a layer of Keras says float32 where it passes them on
            tensor = self._cast(tensor, "float32")
        if shift_before is not None:
            tensor = self._named(keras.ops.add, tensor, shift_before.astype(np.float32))
        if scale is not None:
            tensor = self._named(keras.ops.multiply, tensor, scale.astype(np.float32))
        if shift_after is not None:
            tensor = self._named(keras.ops.add, tensor, shift_after.astype(np.float32))
        return tensor

    def _cast(self, tensor, dtype):
        return self._named(keras.ops.cast, tensor, dtype)

    def _named(self, operation, *arguments):
        """An operation's tensor, of a name that the network has not.

        Keras counts the names that it gives from where the process started, and those of a network
        out of a file are of another process.
        """
        while True:
            tensor = operation(*arguments)
            if tensor._keras_history.operation.name not in self._names:
                return tensor


def _in_floats(dtype):
    """The type of an image that holds the same numbers in floating point."""
    return dtype if keras.backend.is_float_dtype(dtype) else "float32"


def _types_of_whole_numbers(images, calls):
    """The types of images that something computes with in whole numbers, by their names."""
    readers = graphs.find_readers(calls)
    return {
        image.name: image.dtype
        for image in images
        if _in_floats(image.dtype) != image.dtype
        and not all(isinstance(r.operation, _TO_FLOATS) for r in readers.get(id(image), []))
    }


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
