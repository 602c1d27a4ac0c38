"""A copy of a network that computes in float32.

The policy a network is trained under is chosen in `kd_keras.training`.
"""

import keras

from kd_keras.models import graphs

__all__ = ["to_float32"]

_OTHER_PRECISION = ("bfloat16", "float16", "float64", "mixed_bfloat16", "mixed_float16")


def to_float32(model):
    """The same model with every layer in float32, whatever it was trained in.

    Args:
        model: A functional `keras.Model`.

    Returns:
        A functional model of new layers with a copy of the weights, or the model itself if
        nothing in it has another precision.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model has no shape yet.

    Example:
        >>> image = keras.Input((2,))
        >>> model = keras.Model(image, keras.layers.Dense(3, dtype="mixed_bfloat16")(image))
        >>> to_float32(model).layers[1].compute_dtype
        'float32'
    """
    graphs.require_functional(model)
    if not _has_other_precision(model.get_config()):
        return model
    previous = keras.config.dtype_policy()
    # A layer that makes layers of its own gives them the global policy.
    keras.config.set_dtype_policy("float32")
    try:
        twins = {}
        twin = _float32_model(model, twins)
    finally:
        keras.config.set_dtype_policy(previous)
    twin.set_weights(model.get_weights())
    for layer in twins.values():
        # `Normalization` computes with what it derives from its weights when it is told to.
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return twin


def _float32_model(model, twins):
    """Rebuild one graph; `twins` remembers what each layer became, by the layer's id."""

    def twin(operation):
        if id(operation) not in twins:
            if graphs.is_functional(operation):
                twins[id(operation)] = _float32_model(operation, twins)
            else:
                twins[id(operation)] = _float32_operation(operation)
        return twins[id(operation)]

    return graphs.rebuild(model, layer=twin, input_dtype=_in_float32)


def _float32_operation(operation):
    if type(operation) is keras.layers.Lambda:
        # Its configuration is code without the names around it, and Keras refuses to run that.
        return keras.layers.Lambda(
            operation.function,
            output_shape=operation._output_shape,
            mask=operation.mask,
            arguments=operation.arguments,
            dtype="float32",
            name=operation.name,
        )
    return type(operation).from_config(_in_float32(operation.get_config()))


def _is_other_policy(config):
    return (
        isinstance(config, dict)
        and config.get("class_name") == "DTypePolicy"
        and config["config"].get("name") in _OTHER_PRECISION
    )


def _has_other_precision(config):
    if _is_other_policy(config):
        return True
    if isinstance(config, dict):
        return config.get("dtype") in _OTHER_PRECISION or any(
            map(_has_other_precision, config.values())
        )
    return isinstance(config, list | tuple) and any(map(_has_other_precision, config))


def _in_float32(config):
    """A copy of a configuration, or of a dtype's name, with float32 for another precision."""
    if _is_other_policy(config) or (isinstance(config, str) and config in _OTHER_PRECISION):
        return "float32"
    if isinstance(config, dict):
        return {
            key: value if key == "name" else _in_float32(value) for key, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(map(_in_float32, config))
    return config
