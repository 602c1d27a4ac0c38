"""The classic distillation loss on softened class probabilities."""

import keras
import tensorflow as tf

from kd_keras.losses import base

__all__ = ["SoftTarget", "soft_target_divergence"]


def soft_target_divergence(teacher_logits, student_logits, temperature):
    """Kullback-Leibler divergence of the softened teacher and student.

    T^2 * sum_c p_c (log p_c - log q_c), p = softmax(teacher / T), q = softmax(student / T).
    The T^2 keeps the gradient's size independent of T: dL/dstudent = T (q - p), which tends to
    the difference of the zero-mean logits over the number of classes as T grows.

    Args:
        teacher_logits: Shape (batch, classes). A constant: no gradient flows into it.
        student_logits: Shape (batch, classes).
        temperature: T > 0, no unit; a number or a scalar tensor.

    Returns:
        Divergence per example in nats, shape (batch,), float32.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> soft_target_divergence(tf.zeros([2, 3]), tf.zeros([2, 3]), 4.0).numpy()
        array([0., 0.], dtype=float32)

    Reference:
        Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2.
    """
    teacher_logits, student_logits = base.comparable_logits(teacher_logits, student_logits)
    temperature = tf.cast(temperature, tf.float32)
    teacher_log_probabilities = tf.nn.log_softmax(teacher_logits / temperature)
    student_log_probabilities = tf.nn.log_softmax(student_logits / temperature)
    divergence = tf.reduce_sum(
        tf.exp(teacher_log_probabilities) * (teacher_log_probabilities - student_log_probabilities),
        axis=-1,
    )
    return tf.square(temperature) * divergence


@keras.saving.register_keras_serializable(package="kd_keras")
class SoftTarget(base.DistillationLoss):
    """The softened teacher's probabilities as the student's target.

    T^2 * KL(softmax(teacher / T) || softmax(student / T)), see `soft_target_divergence`.

    Args:
        temperature: T > 0, no unit. May follow a schedule.
        name: Name of the layer.

    Raises:
        ValueError: If the temperature is not above 0.

    Example:
        >>> SoftTarget(temperature=4.0).per_example(tf.zeros([2, 3]), tf.zeros([2, 3])).numpy()
        array([0., 0.], dtype=float32)

    Reference:
        Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2.
    """

    scheduled = ("temperature",)

    def __init__(self, temperature=4.0, *, name=None):
        super().__init__(name=name)
        if not temperature > 0:
            raise ValueError(
                "Invalid value for temperature. Expected a number above 0. "
                f"Received: {temperature}."
            )
        self.temperature = temperature

    def per_example(self, teacher, student, labels=None, *, temperature=None):
        """The divergence of each example in nats, shape (batch,)."""
        if temperature is None:
            temperature = self.temperature
        return soft_target_divergence(teacher, student, temperature)
