"""Where in a network weights and activations are rounded, so that it trains as int8 computes it.

Where a tensor is rounded follows what TensorFlow Lite's interpreter does in one operation. How it
is rounded is in `quantized_layers`; how an int8 file is written is in `kd_keras.export`.
"""

import collections

import keras

from kd_keras.models import graphs, kernel_transforms, quantized_layers

__all__ = ["learned_ranges", "with_fake_quantization", "with_ranges"]

_SUFFIX = "_range"
_PIXELS = (0.0, 255.0)
# What gives the numbers that it was given, some of them: their scale and zero stay.
_SAME_NUMBERS = (
    keras.layers.Cropping2D,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.Identity,
    keras.layers.MaxPooling2D,
    keras.layers.Reshape,
    keras.layers.ZeroPadding2D,
)
# What the interpreter computes together with the ReLU behind it, by the class's name: `a + b` is
# an operation that Keras does not name in its public interface.
_TAKES_RELU = ("Add", "Conv2D", "Dense", "DepthwiseConv2D", "Multiply", "Subtract")
_QUANTIZED = {
    keras.layers.Conv2D: quantized_layers.QuantizedConv2D,
    keras.layers.Dense: quantized_layers.QuantizedDense,
    keras.layers.DepthwiseConv2D: quantized_layers.QuantizedDepthwiseConv2D,
}


def with_fake_quantization(model):
    """The same network, rounding as a full int8 file of it will.

    Give it a network without batch normalisation, as `kd_keras.export.fold` makes it: the file
    has none, and its kernels are what is rounded. Its ranges are set by the first images that it
    sees in training.

    Args:
        model: A functional `keras.Model` without models inside, from pixels from 0 to 255, whose
            range stays that.

    Returns:
        A functional model with a copy of the kernels.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If it has several inputs or outputs, or a model inside.

    Example:
        >>> image = keras.Input((4, 4, 1), name="image")
        >>> x = keras.layers.ReLU(name="relu")(keras.layers.Conv2D(2, 3, name="stem")(image))
        >>> model = with_fake_quantization(keras.Model(image, x))
        >>> [layer.name for layer in model.layers]
        ['image', 'image_range', 'stem', 'relu', 'relu_range']
    """
    twins = {}

    def replace(operation):
        quantized = _QUANTIZED.get(type(operation))
        if quantized is None:
            return operation
        if id(operation) not in twins:
            twins[id(operation)] = kernel_transforms.twin_of(operation, quantized)
        return twins[id(operation)]

    def make_range(name):
        limits = _PIXELS if name == model.inputs[0].name else None
        return quantized_layers.ActivationRange(limits, name=name + _SUFFIX)

    return _with_ranges(model, make_range, layer=replace)


def learned_ranges(model):
    """The ranges of a network that was trained with fake quantisation.

    Args:
        model: What `with_fake_quantization` returned.

    Returns:
        Pairs (low, high) by the name of what returns the tensor; none of another network.
    """
    return {
        layer.name.removesuffix(_SUFFIX): (float(layer.low.numpy()), float(layer.high.numpy()))
        for layer in model.layers
        if isinstance(layer, quantized_layers.ActivationRange)
    }


def with_ranges(model, ranges):
    """A plain network that rounds its activations to the ranges that it was trained with.

    Args:
        model: The plain network of the one that was trained.
        ranges: As `learned_ranges` returns them.

    Returns:
        A functional model that shares the weights.

    Raises:
        ValueError: If the ranges are of another network.
    """

    def make_range(name):
        if name not in ranges:
            raise ValueError(
                f"The ranges are not of {model.name}. Expected one for {name}. "
                f"Received: those of {', '.join(ranges)}."
            )
        return quantized_layers.ActivationRange(ranges[name], name=name + _SUFFIX)

    return _with_ranges(model, make_range)


def _with_ranges(model, make_range, layer=None):
    """Rebuild a network with what `make_range` makes behind every tensor that is rounded."""
    graphs.require_one_output(model)
    calls = []
    outputs = graphs.rebuild(model, calls=calls).outputs
    inner = [call.operation.name for call in calls if graphs.is_functional(call.operation)]
    if inner:
        raise ValueError(
            f"Cannot quantise {model.name}. Expected a network without models inside. "
            f"Received: {', '.join(inner)} inside."
        )
    readers = graphs.find_readers(calls, outputs)
    is_rounded = iter([_is_rounded(call, readers.get(id(call.outputs), [None])) for call in calls])
    times, images = collections.Counter(), {}

    def round_image(tensor):
        if id(tensor) not in images:
            images[id(tensor)] = make_range(model.inputs[0].name)(tensor)
        return images[id(tensor)]

    def call(operation, *args, **kwargs):
        args, kwargs = keras.tree.map_structure(
            lambda x: round_image(x) if _is_image(x) else x, (args, kwargs)
        )
        tensor = operation(*args, **kwargs)
        if not next(is_rounded):
            return tensor
        times[operation.name] += 1
        count = times[operation.name]
        return make_range(operation.name + (f"_{count}" if count > 1 else ""))(tensor)

    return graphs.rebuild(model, layer=layer, call=call)


def _is_image(value):
    return isinstance(value, keras.KerasTensor) and isinstance(
        value._keras_history.operation, keras.layers.InputLayer
    )


def _is_rounded(call, readers):
    if isinstance(call.operation, _SAME_NUMBERS) or not isinstance(call.outputs, keras.KerasTensor):
        return False
    [reader, *others] = readers
    with_relu = reader is not None and not others and graphs.is_relu(reader.operation)
    return not (with_relu and type(call.operation).__name__ in _TAKES_RELU)
