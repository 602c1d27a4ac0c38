"""The classic distillation loss on softened class probabilities."""

import keras
import tensorflow as tf

from kd_keras.losses import base, checks

__all__ = ["SoftTarget", "divergence", "soft_target_divergence", "standardize_logits"]

_SMALLEST_DEVIATION = 0.1


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
    softened = (tf.nn.log_softmax(z / temperature) for z in (teacher_logits, student_logits))
    return tf.square(temperature) * divergence(*softened)


def divergence(teacher_log_probabilities, student_log_probabilities):
    """Kullback-Leibler divergence, sum_c p_c (log p_c - log q_c), in log space.

    Args:
        teacher_log_probabilities: log p, shape (batch, classes), finite.
        student_log_probabilities: log q, likewise.

    Returns:
        Nats per example, shape (batch,).

    Example:
        >>> equal = tf.math.log([[0.5, 0.5]])
        >>> divergence(equal, equal).numpy()
        array([0.], dtype=float32)
    """
    difference = teacher_log_probabilities - student_log_probabilities
    return tf.reduce_sum(tf.exp(teacher_log_probabilities) * difference, axis=-1)


def standardize_logits(logits):
    """Give every example's logits mean 0 and deviation 1 over the classes.

    (z - mean) / max(deviation, 0.1), the deviation with the divisor C. Logits that are all alike
    become 0, and the gradient grows no further as they come near that: otherwise the first
    updates of a network whose last layer starts at zero make logits of a size from which it does
    not come back.

    Args:
        logits: Shape (batch, classes), float32.

    Returns:
        Likewise, no unit.

    Example:
        >>> standardize_logits(tf.constant([[1.0, 3.0]])).numpy()
        array([[-1.,  1.]], dtype=float32)

    Reference:
        Sun, Ren, Li, Wang, Cao, "Logit Standardization in Knowledge Distillation", 2024.
    """
    centred = logits - tf.reduce_mean(logits, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(tf.maximum(variance, _SMALLEST_DEVIATION**2))


@keras.saving.register_keras_serializable(package="kd_keras")
class SoftTarget(base.DistillationLoss):
    """The softened teacher's probabilities as the student's target (KD).

    T^2 * KL(softmax(teacher / T) || softmax(student / T)), see `soft_target_divergence`.

    Args:
        temperature: T > 0, no unit. May follow a schedule.
        standardize: Whether each example's logits are first given mean 0 and deviation 1 over
            the classes, so that the student need not have the teacher's scale (LS).
        name: Name of the layer.

    Raises:
        ValueError: If the temperature is not above 0.

    Public code:
        Published weightings, as supervised weight and this loss's weight: 0.5 and 1 with T 1 to
        10 (Xu, Hsu, Huang), 0.1 and 0.9 with T 4 (RepDistiller, mdistiller, attention transfer),
        1 and 0.1 with T 4 (KD-Zoo), 1 and 16 with T 4 (NST, DarkRank), 0.1 and 9 with T 2 and
        standardised (LS). A mean over the classes instead of the sum makes it C times smaller:
        old PyTorch's `kl_div` did so, and the Rocket Launching code doubles it on top. A softmax
        of logarithms, or the logarithm of a softmax, loses it where the networks are sure. LS's
        code divides by the deviation with the divisor C - 1, this by that with C.

    Example:
        >>> SoftTarget(temperature=4.0).per_example(tf.zeros([2, 3]), tf.zeros([2, 3])).numpy()
        array([0., 0.], dtype=float32)

    Reference:
        Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2;
        Sun, Ren, Li, Wang, Cao, "Logit Standardization in Knowledge Distillation", 2024.
    """

    scheduled = ("temperature",)
    default_weight = 1.0
    default_weight_source = "Xu, Hsu, Huang, beside a cross-entropy of weight 1/2"

    def __init__(self, temperature=4.0, *, standardize=False, name=None):
        super().__init__(name=name)
        self.temperature = checks.above_zero("temperature", temperature)
        self.standardize = bool(standardize)

    def per_example(self, teacher, student, labels=None, *, temperature=None):
        """The divergence of each example in nats, shape (batch,)."""
        if temperature is None:
            temperature = self.temperature
        if self.standardize:
            teacher, student = map(standardize_logits, base.comparable_logits(teacher, student))
        return soft_target_divergence(teacher, student, temperature)
