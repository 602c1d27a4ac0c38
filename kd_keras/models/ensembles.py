"""Several teachers as one.

The given models are not altered. What comes back shares their weights.
"""

import math

import keras
import tensorflow as tf

from kd_keras.models import graphs

__all__ = ["mean_of", "member_name"]


@keras.saving.register_keras_serializable(package="kd_keras")
class _MeanOfSoftened(keras.layers.Layer):
    """T log mean_m softmax(logits_m / T), in log space."""

    def __init__(self, temperature, **arguments):
        super().__init__(**{"dtype": "float32", **arguments})
        self.temperature = temperature

    def call(self, logits):
        every = tf.stack([tf.cast(one, tf.float32) for one in logits])
        log_probabilities = tf.nn.log_softmax(every / self.temperature)
        total = tf.reduce_logsumexp(log_probabilities, axis=0)
        return self.temperature * (total - math.log(len(logits)))

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}


def mean_of(models, *, temperature=0.0):
    """One network that says what several say on average.

    Without a temperature its logits are the mean of theirs, (1/M) sum_m logits_m. With one they
    are T log((1/M) sum_m softmax(logits_m / T)), whose softmax at T is the mean of the softened
    outputs: a soft target of that temperature then has You et al.'s mean in probability space.
    The larger T is, the less the two differ, but for a number that all classes share. float32.

    Args:
        models: Functional models from the same images to as many classes, at least one.
        temperature: T > 0, no unit, of the mean of probabilities; 0: the mean of logits.

    Returns:
        A functional model, whose layers `member_name(1)`, `member_name(2)`, ... are the members;
        the model itself where there is only one.

    Raises:
        TypeError: If a model is not functional.
        ValueError: If they take other images or know other numbers of classes, or the temperature
            is negative.

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
    if temperature < 0:
        raise ValueError(
            f"Invalid value for temperature. Expected 0 or more. Received: {temperature}."
        )
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
    if temperature:
        mean = _MeanOfSoftened(float(temperature), name="logits")(logits)
    else:
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
