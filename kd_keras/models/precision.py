"""Copies of a network that compute in another precision.

The policy a network is trained under is chosen in `kd_keras.training`.
"""

import keras

from kd_keras.models import graphs

__all__ = ["to_float32", "to_policy"]

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
    return _copy(model, "float32", _float32_operation, input_dtype=_in_float32)


def to_policy(model, policy=None):
    """The same model under a policy for mixed precision, as if it had been made under it.

    As in the networks of this project, the layers that make its outputs compute in float32, and so
    do normalisations of images. A file does not tell which others did.

    Args:
        model: A functional `keras.Model`.
        policy: Name of a Keras dtype policy; None: the global one, which new layers have.

    Returns:
        A functional model of new layers with a copy of the weights, or the model itself if it
        computes under the policy already.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model has no shape yet.

    Example:
        >>> image = keras.Input((2,))
        >>> model = keras.Model(image, keras.layers.Dense(3)(keras.layers.Dense(4)(image)))
        >>> [x.compute_dtype for x in to_policy(model, "mixed_bfloat16").layers[1:]]
        ['bfloat16', 'float32']
    """
    policy = policy or keras.config.dtype_policy().name
    model = to_float32(model)
    if policy == "float32":
        return model
    kept = set(map(id, _last_operations(model)))

    def convert(operation):
        is_kept = id(operation) in kept or isinstance(operation, keras.layers.Normalization)
        if is_kept or not isinstance(operation, keras.layers.Layer):
            return _twin_of(operation, "float32", lambda config: config)
        return _twin_of(operation, policy, lambda config: _under(config, policy))

    return _copy(model, policy, convert)


def _copy(model, policy, convert, *, input_dtype=None):
    """Rebuild a model of operations that are converted, and copy its weights."""
    previous = keras.config.dtype_policy()
    # A layer that makes layers of its own gives them the global policy.
    keras.config.set_dtype_policy(policy)
    try:
        twins = {}
        twin = _rebuild(model, convert, twins, input_dtype)
    finally:
        keras.config.set_dtype_policy(previous)
    twin.set_weights(model.get_weights())
    for layer in twins.values():
        # `Normalization` computes with what it derives from its weights when it is told to.
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    return twin


def _rebuild(model, convert, twins, input_dtype):
    """Rebuild one graph; `twins` remembers what each layer became, by the layer's id."""

    def twin(operation):
        if id(operation) not in twins:
            if graphs.is_functional(operation):
                twins[id(operation)] = _rebuild(operation, convert, twins, input_dtype)
            else:
                twins[id(operation)] = convert(operation)
        return twins[id(operation)]

    return graphs.rebuild(model, layer=twin, input_dtype=input_dtype)


def _last_operations(model):
    """The operations that make a model's outputs, those of a model inside for that model."""
    calls = []
    for output in graphs.rebuild(model, calls=calls).outputs:
        last = graphs.producer(calls, output)
        if last and graphs.is_functional(last.operation):
            yield from _last_operations(last.operation)
        elif last:
            yield last.operation


def _float32_operation(operation):
    return _twin_of(operation, "float32", _in_float32)


def _twin_of(operation, policy, convert):
    """An operation of the same kind, of its configuration converted."""
    if type(operation) is keras.layers.Lambda:
        # Its configuration is code without the names around it, and Keras refuses to run that.
        return keras.layers.Lambda(
            operation.function,
            output_shape=operation._output_shape,
            mask=operation.mask,
            arguments=operation.arguments,
            dtype=policy,
            name=operation.name,
        )
    return type(operation).from_config(convert(operation.get_config()))


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


def _under(config, policy):
    """A copy of a configuration, in which layers in float32 are under a policy."""
    if isinstance(config, dict):
        return {
            key: policy if key == "dtype" and _is_float32(value) else _under(value, policy)
            for key, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(_under(part, policy) for part in config)
    return config


def _is_float32(dtype):
    if isinstance(dtype, dict):
        dtype = dtype.get("config", {}).get("name")
    return dtype == "float32"
