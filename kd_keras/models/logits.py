"""The same classifier ending in logits, whatever it ends in.

The given model is not altered. What comes back shares its layers, so that training either trains
both.
"""

import math

import keras

from kd_keras.models import graphs

__all__ = ["to_logits"]

_PROBABILITIES = ("softmax", "sigmoid")
# Operations by the names of their classes: those of `keras.ops` have no public ones.
_RESHAPING = ("Flatten", "Reshape", "Squeeze")
_AVERAGING = (
    "Add",
    "Average",
    "AveragePooling2D",
    "Divide",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "Mean",
    "Multiply",
    "Sum",
    "TrueDivide",
)


def to_logits(model):
    """The same classifier without its softmax.

    Args:
        model: A functional `keras.Model` with one output, shape (batch, classes), that ends in
            a softmax (of a `Dense`, a `Conv2D`, an `Activation` or a `Softmax` layer) or in
            logits. The numbers may be given another shape behind.

    Returns:
        A functional model that shares the layers and ends in logits, or the model itself if it
        does so already.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model has several inputs or outputs, or ends in something else, as an
            average of probabilities.

    Example:
        >>> image = keras.Input((2,))
        >>> model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(image))
        >>> to_logits(model).layers[-1].activation.__name__
        'linear'
    """
    graphs.require_one_output(model)
    calls = []
    graph = graphs.rebuild(model, calls=calls)
    last, behind = _last_call(calls, graph.outputs[0])
    if last is None:
        return model
    _refuse_average(calls, last)
    before_softmax = _before_softmax(last)
    if before_softmax is None:
        return model
    logits = before_softmax(graphs.inputs_of(last)[0])
    for call in behind:
        _require_same_numbers(call)
        logits = _call_again(call, logits)
    if logits.dtype != "float32":
        name = f"{last.operation.name}_float32"
        logits = keras.layers.Activation("linear", dtype="float32", name=name)(logits)
    return keras.Model(graph.inputs[0], logits, name=model.name)


def _last_call(calls, tensor):
    """The call that makes an output's numbers, and those that only shape them, in their order."""
    last, behind = graphs.producer(calls, tensor), []
    while last and (_passes_through(last.operation) or _reshapes(last.operation)):
        if _reshapes(last.operation):
            behind.insert(0, last)
        last = graphs.producer(calls, graphs.inputs_of(last)[0])
    return last, behind


def _activation_name(operation):
    if type(operation).__name__ in ("Softmax", "Sigmoid"):  # a layer, or `keras.ops.softmax`
        return type(operation).__name__.lower()
    activation = getattr(operation, "activation", None)
    if activation is None:
        return "linear"
    return getattr(activation, "__name__", type(activation).__name__).removesuffix("_v2")


def _passes_through(operation):
    return isinstance(operation, keras.layers.Identity) or (
        isinstance(operation, keras.layers.Activation) and _activation_name(operation) == "linear"
    )


def _is_of_keras(operation, names):
    kind = type(operation)
    return kind.__name__ in names and kind.__module__.partition(".")[0] == "keras"


def _reshapes(operation):
    return _is_of_keras(operation, _RESHAPING)


def _before_softmax(call):
    """What to call in place of the last operation, or None where it makes logits already."""
    operation = call.operation
    if graphs.is_functional(operation):
        if len(operation.outputs) != 1:
            return None
        logits = to_logits(operation)
        return None if logits is operation else logits
    name = _activation_name(operation)
    if name in ("linear", "log_softmax"):  # a logarithm of probabilities is a valid logit
        return None
    if name == "softmax" and not _is_over_classes(call):
        name = f"softmax over axis {operation.axis}"
    if name == "softmax" and not getattr(operation, "weights", ()):
        return lambda inputs: inputs
    if name == "softmax" and type(operation) in (keras.layers.Conv2D, keras.layers.Dense):
        return _without_activation(operation)
    advice = (
        "A sigmoid answers one question per class, and distillation needs one choice among them."
        if name == "sigmoid"
        else "Give the activation a layer of its own, or leave it out."
    )
    raise ValueError(
        f"No logits in layer {operation.name}. Expected a last layer with a softmax or no "
        f"activation. Received: {name} in {type(operation).__name__}. {advice}"
    )


def _is_over_classes(call):
    axis = getattr(call.operation, "axis", -1)
    return axis in (-1, len(call.outputs.shape) - 1, [-1], (-1,))


def _without_activation(layer):
    linear = type(layer).from_config({**layer.get_config(), "activation": None})
    # The same variables, not a copy: a copy would leave the given model with a trained trunk
    # and an untrained head. They are assigned before the layer is built, which tracks them.
    linear._kernel = layer.kernel
    linear.bias = layer.bias
    linear.built = True
    return linear


def _require_same_numbers(call):
    """Refuse a softmax whose numbers are given a shape in which they are not the classes."""
    [before], after = graphs.inputs_of(call), call.outputs
    for shape in (before.shape, after.shape):
        if None in shape[1:] or math.prod(shape[1:-1]) != 1 or shape[-1] != before.shape[-1]:
            raise ValueError(
                f"No logits before layer {call.operation.name}. Expected a softmax over all of its "
                f"numbers. Received: one over the last axis of {before.shape}, shaped as "
                f"{after.shape}. Put the softmax behind that layer."
            )


def _call_again(call, tensor):
    """The same call with another tensor in the place of the one that it reads."""
    arguments, keywords = keras.tree.map_structure(
        lambda value: tensor if isinstance(value, keras.KerasTensor) else value,
        (call.arguments, call.keywords),
    )
    return call.operation(*arguments, **keywords)


def _refuse_average(calls, last):
    operation = last.operation
    if _is_of_keras(operation, _AVERAGING) and _is_probabilities(calls, last.outputs):
        raise ValueError(
            f"No logits in layer {operation.name}. Expected a last layer with a softmax or no "
            f"activation. Received: probabilities, put together by {type(operation).__name__}. "
            "Put the logits together instead, and the softmax behind."
        )


def _is_probabilities(calls, tensor):
    """Whether a tensor is made of probabilities alone, by sums, averages and products."""
    call = graphs.producer(calls, tensor)
    if call is None:
        return False
    operation = call.operation
    if graphs.is_functional(operation) and len(operation.outputs) == 1:
        inner = []
        graph = graphs.rebuild(operation, calls=inner)
        return _is_probabilities(inner, graph.outputs[0])
    if _is_of_keras(operation, _AVERAGING + _RESHAPING) or _passes_through(operation):
        return all(_is_probabilities(calls, read) for read in graphs.inputs_of(call))
    return _activation_name(operation) in _PROBABILITIES
