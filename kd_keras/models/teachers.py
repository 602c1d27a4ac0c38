"""A teacher asked with its dropout active.

The given model is not altered. What comes back shares its weights.
"""

import keras

from kd_keras.models import graphs

__all__ = ["active_random_states", "with_active_dropout"]

_DROPOUTS = (keras.layers.AlphaDropout, keras.layers.Dropout, keras.layers.GaussianDropout)


@keras.saving.register_keras_serializable(package="kd_keras")
class _ActiveDropout(keras.layers.Layer):
    """Runs a layer of dropout as in training, whatever the model is told."""

    def __init__(self, dropout, **arguments):
        super().__init__(**arguments)
        self.dropout = dropout
        self.built = True

    def call(self, inputs):
        return self.dropout(inputs, training=True)

    def get_config(self):
        config = {"dropout": keras.saving.serialize_keras_object(self.dropout)}
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config):
        dropout = keras.saving.deserialize_keras_object(config["dropout"])
        return cls(**{**config, "dropout": dropout})


def with_active_dropout(model, *, seed):
    """The same network with its dropout active, also where it is not being trained.

    Batch normalisation and all else follow `training` as ever, so that with `training=False`
    dropout alone is random. Every call draws new masks.

    Args:
        model: A functional `keras.Model` with layers of dropout of a rate above 0; those of
            models inside count.
        seed: From 0 to 2^31 - 1, of the masks. Each layer draws its own.

    Returns:
        A functional model that shares the weights.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model has no active dropout to offer.

    Example:
        >>> image = keras.Input((8,))
        >>> model = keras.Model(image, keras.layers.Dropout(0.5)(image))
        >>> active = with_active_dropout(model, seed=0)
        >>> sorted(set(active(keras.ops.ones([9, 8]), training=False).numpy().ravel().tolist()))
        [0.0, 2.0]

    Reference:
        Xu, Hsu, Huang, "Training Shallow and Thin Networks for Acceleration via Knowledge
        Distillation with Conditional Adversarial Networks", 2017, section 5.
    """
    graphs.require_functional(model)
    seeds = iter(range(1000 * seed, 1000 * (seed + 1)))
    active = _activate(model, seeds, {})
    if not active_random_states(active):
        raise ValueError(
            f"{model.name} has no dropout. Expected layers of dropout of a rate above 0, because "
            "they are to be active. Received: none. Train a teacher with --teacher_dropout, or "
            "leave --teacher_active_dropout out."
        )
    return active


def _activate(model, seeds, replaced):
    """Rebuild one graph; `replaced` remembers what each layer became, by the layer's id."""

    def replace(operation):
        if graphs.is_functional(operation):
            return _activate(operation, seeds, replaced)
        if isinstance(operation, _DROPOUTS) and operation.rate > 0:
            config = {**operation.get_config(), "seed": next(seeds)}
            dropout = type(operation).from_config(config)
            return _ActiveDropout(dropout, dtype=operation.dtype_policy, name=operation.name)
        return operation

    def layer(operation):
        if id(operation) not in replaced:
            replaced[id(operation)] = replace(operation)
        return replaced[id(operation)]

    return graphs.rebuild(model, layer=layer)


def active_random_states(model):
    """The states of the generators that draw the masks of active dropout.

    Args:
        model: Any `keras.Model`, or None.

    Returns:
        Variables, in the order of the layers; none where no dropout is active.
    """
    if model is None:
        return []
    layers = model._flatten_layers(include_self=False, recursive=True)
    return [x.dropout.seed_generator.state for x in layers if isinstance(x, _ActiveDropout)]
