"""The same network in another form: with taps, without its preprocessing.

The given model is not altered. What comes back shares its layers, so that training either trains
both. What ends in logits is made in `logits`, copies in float32 in `precision`.
"""

import keras

from kd_keras import registry
from kd_keras.models import graphs

__all__ = [
    "has_preprocessing",
    "preprocessing",
    "with_taps",
    "without_preprocessing",
]

_PREPROCESSING = "standardization"


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
        if operation is left_out:
            return graphs.tensors_in(args, kwargs)[0]
        return operation(*args, **kwargs)

    return graphs.rebuild(model, call=call, input_dtype=_standardized_dtype)


def _standardized_dtype(dtype):
    """Of images that were of some type before they were standardised."""
    return dtype if keras.backend.is_float_dtype(dtype) else "float32"
