"""Decoupled distillation: the labelled class and the others, each with its own weight."""

import keras
import tensorflow as tf

from kd_keras.losses import base, checks, soft_target

__all__ = ["DecoupledDistillation"]


@keras.saving.register_keras_serializable(package="kd_keras")
class DecoupledDistillation(base.DistillationLoss):
    """Decoupled knowledge distillation (DKD): the soft target in two parts.

    T^2 * (target_weight * KL(b || b') + others_weight * KL(p || p')), b = (P(label), 1 - P(label))
    of the teacher and p its probabilities among the other classes; b', p' the student's; all of
    logits / T.

    With target_weight 1 and 1 - P_teacher(label) in the place of others_weight it is the soft
    target.

    Args:
        temperature: T > 0, no unit. May follow a schedule.
        target_weight: Of the labelled class's part, 0 or more.
        others_weight: Of the other classes' part, 0 or more.
        standardize: Whether each example's logits are first given mean 0 and deviation 1, see
            `SoftTarget`.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is out of range.

    Public code:
        The official code takes logarithms of probabilities, so that a confident mistake gives
        infinity, and keeps the label out by subtracting 1000 from its logit, which logits of
        that size undo. Here it is log space throughout. Its first 20 epochs raise the weight
        linearly: a schedule of the weight. Their WRN pairs have others_weight 6.

    Example:
        >>> loss = DecoupledDistillation()
        >>> loss.per_example(tf.zeros([1, 3]), tf.zeros([1, 3]), tf.constant([2])).numpy()
        array([0.], dtype=float32)

    Reference:
        Zhao, Cui, Song, Qiu, Liang, "Decoupled Knowledge Distillation", 2022.
    """

    needs_labels = True
    scheduled = ("temperature",)
    default_weight = 1.0
    default_weight_source = "mdistiller"

    def __init__(
        self,
        temperature=4.0,
        target_weight=1.0,
        others_weight=8.0,
        *,
        standardize=False,
        name=None,
    ):
        super().__init__(name=name)
        self.temperature = checks.above_zero("temperature", temperature)
        self.target_weight = checks.not_negative("target_weight", target_weight)
        self.others_weight = checks.not_negative("others_weight", others_weight)
        self.standardize = bool(standardize)

    def per_example(self, teacher, student, labels=None, *, temperature=None):
        """The weighted divergences of each example in nats, shape (batch,)."""
        temperature = self.temperature if temperature is None else temperature
        temperature = tf.cast(temperature, tf.float32)
        teacher, student = base.comparable_logits(teacher, student)
        if self.standardize:
            teacher, student = map(soft_target.standardize_logits, (teacher, student))
        labels = base.class_numbers(labels)
        sides = [_split(logits / temperature, labels) for logits in (teacher, student)]
        (teacher_pair, teacher_others), (student_pair, student_others) = sides
        target = soft_target.divergence(teacher_pair, student_pair)
        others = soft_target.divergence(teacher_others, student_others)
        weighted = self.target_weight * target + self.others_weight * others
        return tf.square(temperature) * weighted


def _split(logits, labels):
    """Log-probabilities of (the label, anything else), and of the others among themselves."""
    classes = logits.shape[-1]
    labels = labels[:, None]
    # The other classes by their numbers, so that no mask with its infinities is needed.
    others = (labels + tf.range(1, classes)) % classes
    log_probabilities = tf.nn.log_softmax(logits)
    log_target = tf.gather(log_probabilities, labels, batch_dims=1)
    log_others = tf.gather(log_probabilities, others, batch_dims=1)
    log_rest = tf.reduce_logsumexp(log_others, axis=-1, keepdims=True)
    among_themselves = tf.nn.log_softmax(tf.gather(logits, others, batch_dims=1))
    return tf.concat([log_target, log_rest], axis=-1), among_themselves
