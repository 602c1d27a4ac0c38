"""How large a network is: parameters, multiply-adds and bytes, of a model or of a file.

How long it takes is measured elsewhere: it depends on the machine.
"""

import dataclasses
import math
import pathlib

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from kd_keras.export import files, interpreter, keras_file, multiply_adds, onnx, saved_model

__all__ = ["Complexity", "measure_complexity"]

# What batch normalisation and standardisation measure rather than learn, by the variables' names.
_STATISTICS = frozenset({"moving_mean", "moving_variance", "mean", "variance", "count"})
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


@dataclasses.dataclass(frozen=True)
class Complexity:
    """The size of a network.

    Attributes:
        parameters: Learned numbers: weights, biases, and scale and shift of normalisation, without
            its statistics. Of a SavedModel, those in its variables. Of a `.tflite` file, the
            numbers that it holds: there, normalisation is multiplied into the convolution before
            it where there is one, convolutions without a bias share one of zeros, and the
            standardisation of the image counts.
        multiply_adds: For one image; None of an ONNX file, where they are not counted.
        size_bytes: Of the file; of a model, of all its weights as they are in memory.
        uncounted: Names of operations that are not in `multiply_adds` though they may multiply.
    """

    parameters: int
    multiply_adds: int | None
    size_bytes: int
    uncounted: tuple = ()


def measure_complexity(model, image_shape=None):
    """Count parameters and multiply-adds.

    Both are taken from the graph that runs, so that layers of one's own and models inside are
    counted like any other.

    Args:
        model: A `keras.Model`, or the path of a `.keras` file, a SavedModel folder, a `.tflite`
            file or an `.onnx` file.
        image_shape: (height, width, channels) of the image to count for, where the model takes
            any size; one with a size of its own keeps it.

    Returns:
        A `Complexity`.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If the file cannot be read, or the image size is neither fixed nor given.

    Example:
        >>> image = keras.Input((4, 4, 3))
        >>> x = keras.layers.Conv2D(2, 3, padding="same", use_bias=False)(image)
        >>> x = keras.layers.GlobalAveragePooling2D()(x)
        >>> measure_complexity(keras.Model(image, keras.layers.Dense(5)(x)))
        Complexity(parameters=69, multiply_adds=874, size_bytes=276, uncounted=())
    """
    if isinstance(model, keras.Model):
        return _of_keras(model, image_shape)
    path = pathlib.Path(model)
    kind = files.kind_of(path)
    if kind == "tflite":
        return _of_tflite(path, image_shape)
    if kind == "saved_model":
        return _of_saved_model(path, image_shape)
    if kind == "onnx":
        parameters = onnx.count_parameters(path)
        return Complexity(parameters, multiply_adds=None, size_bytes=files.size_in_bytes(path))
    size_bytes = files.size_in_bytes(path)
    complexity = _of_keras(keras_file.load_keras(path), image_shape)
    return dataclasses.replace(complexity, size_bytes=size_bytes)


def _of_keras(model, image_shape):
    image = model.inputs[0]
    image_shape = _fixed(image.shape, image_shape, model.name)
    specification = tf.TensorSpec((1, *image_shape), image.dtype)
    count, uncounted = _count(lambda image: model(image, training=False), specification)
    return Complexity(
        parameters=_learned((weight.name, weight.shape) for weight in model.weights),
        multiply_adds=count,
        size_bytes=sum(
            weight.value.dtype.size * math.prod(weight.shape) for weight in model.weights
        ),
        uncounted=uncounted,
    )


def _of_saved_model(path, image_shape):
    _loaded, signature = saved_model.load_signature(path)
    name, image = saved_model.only_input(signature, path)
    image_shape = _fixed(image.shape, image_shape, path)
    specification = tf.TensorSpec((1, *image_shape), image.dtype)
    count, uncounted = _count(lambda image: signature(**{name: image}), specification)
    return Complexity(
        parameters=_learned((variable.name, variable.shape) for variable in signature.variables),
        multiply_adds=count,
        size_bytes=files.size_in_bytes(path),
        uncounted=uncounted,
    )


def _count(function, specification):
    function = tf.function(function).get_concrete_function(specification)
    counted = multiply_adds.count_tensorflow(_with_functions(function.graph))
    if not counted[1]:
        return counted
    # Functions in the graph, of which a SavedModel consists, may have a free batch. Put in place
    # of their calls they have the shapes of one image; but those for XLA stay where they are.
    inlined = convert_variables_to_constants_v2(function).graph.get_operations()
    return min(counted, multiply_adds.count_tensorflow(inlined), key=lambda pair: len(pair[1]))


def _with_functions(graph):
    """The operations of a graph, and of the functions in it at each of their calls."""
    for operation in graph.get_operations():
        if operation.type in _CALLS:
            # Keras itself makes one, of a convolution in groups.
            yield from _with_functions(graph._get_function(operation.get_attr("f").name).graph)
        else:
            yield operation


def _of_tflite(path, image_shape):
    opened = interpreter.open_interpreter(path, fused=False)
    [image, *_] = opened.get_input_details()
    shape = [None if size < 0 else int(size) for size in image["shape_signature"]]
    image_shape = _fixed(shape, image_shape, path)
    batch = shape[0] or 1
    interpreter.run_once(opened, path, image_shape if None in shape[1:] else None)
    operations = interpreter.list_operations(opened)
    count, uncounted = multiply_adds.count_tflite(operations)
    weights = {tensor for operation in operations for tensor in operation.inputs if tensor}
    return Complexity(
        parameters=sum(math.prod(tensor.shape) for tensor in weights if tensor.is_weight),
        multiply_adds=count // batch,
        size_bytes=files.size_in_bytes(path),
        uncounted=uncounted,
    )


def _fixed(shape, image_shape, where):
    """The shape of one image: the model's own, and where that is free the one that is given."""
    own = tuple(shape)[1:]
    if None not in own:
        return own
    if image_shape is None:
        raise ValueError(
            f"Cannot count the multiply-adds of {where}. Expected a fixed image size. "
            f"Received: {own}."
        )
    return tuple(
        given if size is None else size for size, given in zip(own, image_shape, strict=True)
    )


def _learned(named_shapes):
    return sum(
        math.prod(shape)
        for name, shape in named_shapes
        if name.split("/")[-1].split(":")[0] not in _STATISTICS
    )
