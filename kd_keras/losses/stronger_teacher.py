"""Distillation from a stronger teacher: correlations instead of equal probabilities."""

import keras
import tensorflow as tf

from kd_keras.losses import base, checks

__all__ = ["StrongerTeacher"]

_SMALLEST_LENGTH = 0.01


@keras.saving.register_keras_serializable(package="kd_keras")
class StrongerTeacher(base.DistillationLoss):
    """Distillation from a stronger teacher (DIST): correlations of the probabilities.

    T^2 * (inter_class_weight * mean_i (1 - r_i) + intra_class_weight * mean_c (1 - r_c)), r_i the
    correlation (Pearson) of the teacher's and the student's probabilities of example i over the
    classes, r_c that of class c over the examples of the batch; probabilities of logits / T.

    r = p.q / (max(|p|, 0.01) max(|q|, 0.01)), p and q the probabilities less their mean: for what
    hardly varies the gradient is bounded, so that a network whose last layer starts at zero
    learns.

    An example's value has its own r_i and, of each r_c, its summand times the batch's size, so
    that the mean over the batch is the loss.

    Args:
        temperature: T > 0, no unit. May follow a schedule.
        inter_class_weight: Of the correlation over the classes, 0 or more.
        intra_class_weight: Of the correlation over the examples, 0 or more.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is out of range.

    Public code:
        The official class has temperature 1 and weights 1 for both correlations by default; here
        the temperature is 4 unless told, as for every loss that softens.

    Example:
        >>> logits = tf.constant([[0.0, 1.0], [3.0, -1.0]])
        >>> (StrongerTeacher().per_example(logits, logits).numpy().mean() < 1e-5).item()
        True

    Reference:
        Huang, You, Wang, Qian, Xu, "Knowledge Distillation from a Stronger Teacher", 2022.
    """

    relates_examples = True
    scheduled = ("temperature",)
    default_weight = 2.0
    default_weight_source = "customary for its code; not checked against the paper"

    def __init__(
        self, temperature=4.0, inter_class_weight=1.0, intra_class_weight=1.0, *, name=None
    ):
        super().__init__(name=name)
        self.temperature = checks.above_zero("temperature", temperature)
        self.inter_class_weight = checks.not_negative("inter_class_weight", inter_class_weight)
        self.intra_class_weight = checks.not_negative("intra_class_weight", intra_class_weight)

    def per_example(self, teacher, student, labels=None, *, temperature=None):
        """Each example's share of the loss, shape (batch,)."""
        temperature = self.temperature if temperature is None else temperature
        temperature = tf.cast(temperature, tf.float32)
        teacher, student = base.comparable_logits(teacher, student)
        teacher, student = (tf.nn.softmax(z / temperature) for z in (teacher, student))
        inter = 1.0 - tf.reduce_sum(_standard(teacher, 1) * _standard(student, 1), axis=-1)
        batch = tf.cast(tf.shape(student)[0], tf.float32)
        products = _standard(teacher, 0) * _standard(student, 0)
        intra = 1.0 - batch * tf.reduce_mean(products, axis=-1)
        return tf.square(temperature) * (
            self.inter_class_weight * inter + self.intra_class_weight * intra
        )


def _standard(probabilities, axis):
    """With mean 0 and length 1 along an axis; what hardly varies stays shorter."""
    centred = probabilities - tf.reduce_mean(probabilities, axis=axis, keepdims=True)
    return tf.math.l2_normalize(centred, axis=axis, epsilon=_SMALLEST_LENGTH**2)
