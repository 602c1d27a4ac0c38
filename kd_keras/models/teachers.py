"""Other ways to ask teachers: with their dropout active, and several as one.

The given models are not altered. What comes back shares their weights.
"""

import keras

from kd_keras.models import graphs

__all__ = ["active_random_states", "mean_of", "member_name", "with_active_dropout"]

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


def mean_of(models):
    """One network whose logits are the mean of several networks' logits.

    (1/M) sum_m logits_m, float32.

    Args:
        models: Functional models from the same images to as many classes, at least one.

    Returns:
        A functional model; the model itself where there is only one.

    Raises:
        TypeError: If a model is not functional.
        ValueError: If they take other images or know other numbers of classes.

    Example:
        >>> def constant(value):
        ...     image = keras.Input((2,))
        ...     layer = keras.layers.Dense(3, bias_initializer=keras.initializers.Constant(value))
        ...     return keras.Model(image, layer(image))
        >>> mean_of([constant(1.0), constant(4.0)])(keras.ops.zeros([1, 2])).numpy()
        array([[2.5, 2.5, 2.5]], dtype=float32)

    Reference:
        You, Xu, Xu, Tao, "Learning from Multiple Teacher Networks", 2017.
    """
    models = list(models)
    for model in models:
        graphs.require_one_output(model)
        _require_alike(models[0], model)
    if len(models) == 1:
        return models[0]
    image = keras.Input(models[0].input_shape[1:], dtype=models[0].inputs[0].dtype, name="image")
    logits = []
    for number, model in enumerate(models, start=1):
        # Two networks of one name cannot be layers of one model.
        member = keras.Model(model.inputs[0], model.outputs[0], name=member_name(number))
        logits.append(member(image))
    mean = keras.layers.Average(dtype="float32", name="logits")(logits)
    return keras.Model(image, mean, name="mean_of_teachers")


def member_name(number):
    """The name of a teacher's layer within `mean_of` several, counted from 1."""
    return f"teacher{number}"


def _require_alike(first, other):
    shapes = [(model.input_shape[1:], model.output_shape[-1]) for model in (first, other)]
    if shapes[0] != shapes[1]:
        described = [f"images {image} and {classes} classes" for image, classes in shapes]
        raise ValueError(
            f"Teachers of one ensemble disagree. Expected {described[0]}, as {first.name} has. "
            f"Received: {described[1]} of {other.name}."
        )
