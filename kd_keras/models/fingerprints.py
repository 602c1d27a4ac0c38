"""Fingerprints of models: what they compute, whatever they are called."""

import hashlib
import json

import keras
import numpy as np

from kd_keras.models import graphs

__all__ = ["fingerprint", "fingerprint_weights"]


def fingerprint_weights(model):
    """SHA-256 of a model's weights in their order, hexadecimal.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        >>> len(fingerprint_weights(model))
        64
    """
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def fingerprint(model):
    """SHA-256 of a model's architecture, precision and weights, hexadecimal.

    The names of the model and of its layers do not count, because Keras numbers those that have
    none of their own, and the numbers depend on what the process has built before.

    Args:
        model: A functional or sequential `keras.Model`.

    Returns:
        64 hexadecimal digits.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model has no shape yet.

    Example:
        >>> def build():
        ...     return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "relu")])
        >>> first, second = build(), build()
        >>> fingerprint(first) == fingerprint(second)
        False
        >>> second.set_weights(first.get_weights())
        >>> fingerprint(first) == fingerprint(second)
        True
    """
    graphs.require_functional(model)
    architecture = _without_names(keras.saving.serialize_keras_object(model)["config"], {})
    text = json.dumps(architecture, sort_keys=True)
    return hashlib.sha256(f"{text}{fingerprint_weights(model)}".encode()).hexdigest()


def _without_names(value, numbers):
    """A copy of a configuration with every layer's name replaced by its number in its model."""
    if isinstance(value, dict):
        if "layers" in value:
            numbers = {value.get("name"): "model", **numbers}
            for number, layer in enumerate(value["layers"]):
                numbers[layer["config"].get("name")] = f"layer {number}"
        return {key: _without_names(entry, numbers) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_names(entry, numbers) for entry in value]
    return numbers.get(value, value) if isinstance(value, str) else value
