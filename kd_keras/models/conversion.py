"""The same network in another form: ending in logits, with taps, without its preprocessing.

The given model is not altered. What comes back shares its layers, so that training either trains
both. Copies in float32 are made in `precision`.
"""

import keras

from kd_keras import registry
from kd_keras.models import graphs

__all__ = [
    "has_preprocessing",
    "preprocessing",
    "to_logits",
    "with_taps",
    "without_preprocessing",
]

_PREPROCESSING = "standardization"


def to_logits(model):
    """The same classifier without its softmax.

    Args:
        model: A functional `keras.Model` with one output, shape (batch, classes), that ends in
            a softmax (of a `Dense`, an `Activation` or a `Softmax` layer) or in logits.

    Returns:
        A functional model that shares the layers and ends in logits, or the model itself if it
        does so already.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model has several inputs or outputs, or ends in something else.

    Example:
        >>> image = keras.Input((2,))
        >>> model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(image))
        >>> to_logits(model).layers[-1].activation.__name__
        'linear'
    """
    graphs.require_one_output(model)
    calls = []
    graph = graphs.rebuild(model, calls=calls)
    last = graphs.producer(calls, graph.outputs[0])
    while last and _passes_through(last.operation):
        last = graphs.producer(calls, last.arguments[0])
    before_softmax = _before_softmax(last.operation) if last else None
    if before_softmax is None:
        return model
    logits = before_softmax(last.arguments[0])
    if logits.dtype != "float32":
        logits = keras.layers.Activation("linear", dtype="float32")(logits)
    return keras.Model(graph.inputs[0], logits, name=model.name)


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


def _before_softmax(operation):
    """What to call in place of the last operation, or None where it makes logits already."""
    if graphs.is_functional(operation):
        logits = to_logits(operation)
        return None if logits is operation else logits
    name = _activation_name(operation)
    if name in ("linear", "log_softmax"):  # a logarithm of probabilities is a valid logit
        return None
    if name == "softmax" and not getattr(operation, "weights", ()):
        return lambda inputs: inputs
    if name == "softmax" and type(operation) is keras.layers.Dense:
        return _linear_dense(operation)
    advice = (
        "A sigmoid answers one question per class, and distillation needs one choice among them."
        if name == "sigmoid"
        else "Give the activation a layer of its own, or leave it out."
    )
    raise ValueError(
        f"No logits in layer {operation.name}. Expected a last layer with a softmax or no "
        f"activation. Received: {name} in {type(operation).__name__}. {advice}"
    )


def _linear_dense(dense):
    linear = keras.layers.Dense.from_config({**dense.get_config(), "activation": None})
    # The same variables, not a copy: a copy would leave the given model with a trained trunk
    # and an untrained head. They are assigned before the layer is built, which tracks them.
    linear._kernel = dense.kernel
    linear.bias = dense.bias
    linear.built = True
    return linear


def with_taps(model, taps):
    """The same network with the outputs of inner layers beside its logits.

    Args:
        model: A functional `keras.Model` from images to logits.
        taps: Names of layers. A layer of a functional model inside is `"model/layer"`.

    Returns:
        A functional model that shares the layers and returns a dictionary: `"logits"`, and each
        tap by its name.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If there is no layer of that name, or its output is not one tensor.

    Example:
        >>> image = keras.Input((2,))
        >>> hidden = keras.layers.Dense(4, name="hidden")(image)
        >>> model = keras.Model(image, keras.layers.Dense(3)(hidden))
        >>> sorted(with_taps(model, ["hidden"]).output)
        ['hidden', 'logits']
    """
    graphs.require_one_output(model)
    if "logits" in taps:
        raise ValueError(
            "Invalid value for taps. Expected names of inner layers. Received: logits, which is "
            "always among the outputs."
        )
    available = graphs.layer_names(model)
    for tap in taps:
        if tap not in available:
            raise registry.unknown_name("tap", available, tap)
    return _tapped(model, taps, key="logits")


def _tapped(model, taps, key):
    """`model` returning a dictionary: its own output under `key`, and the taps."""
    inner = {}
    for tap in taps:
        name, _, rest = tap.partition("/")
        inner.setdefault(name, []).append(rest)
    found = {}

    def call(operation, *args, **kwargs):
        within = [rest for rest in inner.get(operation.name, ()) if rest]
        if within:
            tapped = _tapped(operation, within, key="/")  # no layer is called so
            outputs = tapped(*args, **kwargs)
            for rest in within:
                found.setdefault(f"{operation.name}/{rest}", []).append(outputs[rest])
            outputs = outputs["/"]
        else:
            outputs = operation(*args, **kwargs)
        found.setdefault(operation.name, []).append(outputs)
        return outputs

    graph = graphs.rebuild(model, call=call)
    return keras.Model(
        graph.input,
        {key: graph.output, **{tap: _only_tensor(tap, found[tap]) for tap in taps}},
        name=model.name,
    )


def _only_tensor(tap, outputs):
    if len(outputs) != 1:
        raise ValueError(
            f"Ambiguous tap {tap}. Expected a layer that is called once. "
            f"Received: one that is called {len(outputs)} times."
        )
    if not isinstance(outputs[0], keras.KerasTensor):
        raise ValueError(
            f"Invalid tap {tap}. Expected a layer with one output. Received: several outputs."
        )
    return outputs[0]


def has_preprocessing(model):
    """Whether a network has a layer called `standardization`.

    Args:
        model: A functional `keras.Model`.

    Returns:
        True or False.

    Example:
        >>> has_preprocessing(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]))
        False
    """
    return any(layer.name == _PREPROCESSING for layer in model.layers)


def preprocessing(model):
    """The layer that standardises a network's images.

    Args:
        model: A functional `keras.Model` with a layer called `standardization`.

    Returns:
        The layer.

    Raises:
        ValueError: If the model has no such layer.

    Example:
        >>> standardization = keras.layers.Normalization(
        ...     mean=[1.0, 2.0], variance=[4.0, 4.0], name="standardization")
        >>> preprocessing(keras.Sequential([keras.Input((2,)), standardization])).name
        'standardization'
    """
    if not has_preprocessing(model):
        names = [layer.name for layer in model.layers]
        raise ValueError(
            f"{model.name} has no preprocessing. Expected a layer called {_PREPROCESSING}. "
            f"Received layers: {', '.join(names)}."
        )
    return model.get_layer(_PREPROCESSING)


def without_preprocessing(model):
    """The same network without its standardisation, for images that are standardised already.

    Args:
        model: A functional `keras.Model` with a layer called `standardization`.

    Returns:
        A functional model that shares the other layers.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model has no such layer.

    Example:
        >>> image = keras.Input((2,), name="image")
        >>> standardization = keras.layers.Normalization(
        ...     mean=[1.0, 2.0], variance=[4.0, 4.0], name="standardization")
        >>> model = keras.Model(image, keras.layers.Dense(3, name="logits")(standardization(image)))
        >>> [layer.name for layer in without_preprocessing(model).layers]
        ['image', 'logits']
    """
    graphs.require_one_output(model)
    left_out = preprocessing(model)

    def call(operation, *args, **kwargs):
        return args[0] if operation is left_out else operation(*args, **kwargs)

    return graphs.rebuild(model, call=call)
