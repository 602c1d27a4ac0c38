"""Walking the graph of a functional Keras model, call by call.

Only what is needed to rebuild a model with some of its calls changed.
"""

import dataclasses

import keras

__all__ = [
    "Call",
    "find_readers",
    "inputs_of",
    "is_functional",
    "is_relu",
    "layer_names",
    "producer",
    "rebuild",
    "require_functional",
    "require_one_output",
    "tensors_in",
]


@dataclasses.dataclass(frozen=True)
class Call:
    """One operation applied once: a layer that is shared is called several times."""

    operation: keras.Operation
    arguments: tuple
    keywords: dict
    outputs: object


def is_functional(operation):
    """Whether something is a model whose graph can be walked."""
    return isinstance(operation, keras.Function | keras.Sequential)


def require_functional(model):
    """Refuse what has no graph: subclassed models, and those without an input shape.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model has no shape yet.
    """
    if not is_functional(model):
        raise TypeError(
            "Expected a functional or sequential keras.Model. "
            f"Received: {type(model).__name__}. Build it as keras.Model(inputs, outputs)."
        )
    if isinstance(model, keras.Sequential) and not model.built:
        raise ValueError(
            f"Expected a model with an input shape. Received: {model.name} without one. "
            "Put a keras.Input before its first layer."
        )


def require_one_output(model):
    """Refuse all but a functional model with one input and one output.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model has several inputs or outputs, or no shape yet.
    """
    require_functional(model)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            "Expected a classifier with one input and one output. "
            f"Received: {len(model.inputs)} inputs and {len(model.outputs)} outputs."
        )


def _plain(model):
    """The same graph as an uncompiled functional model, of which Keras lets the calls be seen."""
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return keras.Model(model.input, model.output, name=model.name)


def rebuild(model, *, layer=None, call=None, calls=None, input_dtype=None):
    """Run the graph of a functional model again, on new inputs.

    Args:
        model: A functional or sequential `keras.Model`.
        layer: Called with each operation once, returns what takes its place. By default the
            operation itself, so that layers and weights are shared.
        call: Called with an operation and its arguments at each of its calls, returns the
            outputs. By default it calls the operation.
        calls: A list that receives a `Call` for each of them.
        input_dtype: Called with each input's dtype, returns its new dtype.

    Returns:
        An uncompiled functional `keras.Model`.
    """

    def call_and_record(operation, *args, **kwargs):
        outputs = (call or type(operation).__call__)(operation, *args, **kwargs)
        if calls is not None:
            calls.append(Call(operation, args, kwargs, outputs))
        return outputs

    plain = _plain(model)
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(
            batch_shape=tensor.shape,
            dtype=input_dtype(tensor.dtype) if input_dtype else tensor.dtype,
            name=tensor.name,
        ),
        plain.input,
    )
    return keras.models.clone_model(
        plain,
        input_tensors=inputs,
        clone_function=layer or (lambda operation: operation),
        call_function=call_and_record,
    )


def producer(calls, tensor):
    """The call that returned a tensor, or None if it is an input."""
    for call in calls:
        if any(output is tensor for output in keras.tree.flatten(call.outputs)):
            return call
    return None


def inputs_of(call):
    """The tensors that a call reads, also those that are given by keyword."""
    return tensors_in(call.arguments, call.keywords)


def tensors_in(arguments, keywords):
    """The tensors among the arguments of a call, those by position first.

    Args:
        arguments: A tuple, those by position.
        keywords: A dictionary, those by name.

    Returns:
        A list of `keras.KerasTensor`.
    """
    leaves = keras.tree.flatten((arguments, keywords))
    return [leaf for leaf in leaves if isinstance(leaf, keras.KerasTensor)]


def find_readers(calls, outputs=()):
    """Who reads each tensor.

    Args:
        calls: The `Call`s of a model.
        outputs: Its outputs.

    Returns:
        A dictionary from a tensor's id to the calls that read it; None among them stands for
        being an output of the model. A tensor that nobody reads is not in it.
    """
    readers = {}
    for call in calls:
        for tensor in inputs_of(call):
            readers.setdefault(id(tensor), []).append(call)
    for tensor in outputs:
        readers.setdefault(id(tensor), []).append(None)
    return readers


def is_relu(operation):
    """Whether a layer is max(x, 0) and nothing else."""
    if type(operation) is keras.layers.ReLU:
        return operation.max_value is None and operation.negative_slope == operation.threshold == 0
    return (
        type(operation) is keras.layers.Activation
        and operation.activation is keras.activations.relu
    )


def layer_names(model):
    """The names of all layers but the inputs; of layers of a model inside, `"model/layer"`."""
    names = []
    for operation in model.layers:
        if isinstance(operation, keras.layers.InputLayer):
            continue
        names.append(operation.name)
        if is_functional(operation):
            names += [f"{operation.name}/{name}" for name in layer_names(operation)]
    return names
