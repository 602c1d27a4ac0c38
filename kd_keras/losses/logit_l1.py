"""The paper's instance-level loss on raw logits."""

import keras
import tensorflow as tf

from kd_keras.losses import base

__all__ = ["LogitL1"]


@keras.saving.register_keras_serializable(package="kd_keras")
class LogitL1(base.DistillationLoss):
    """Absolute difference of the teacher's and the student's logits, without a temperature.

    sum_c |teacher_c - student_c|, or the mean over c. The two differ by the number of classes:
    at 100 classes the sum is of the order of 100 where the cross-entropy is of the order of 1.

    Args:
        reduction: Over the classes: "sum", as the paper prints it, or "mean".
        name: Name of the layer.

    Raises:
        ValueError: If there is no such reduction.

    Public code:
        The paper prints a sum over the classes; whether its code summed or averaged is not known.

    Example:
        >>> LogitL1().per_example(tf.constant([[1.0, -2.0]]), tf.zeros([1, 2])).numpy()
        array([3.], dtype=float32)

    Reference:
        Xu, Hsu, Huang, "Training Shallow and Thin Networks for Acceleration via Knowledge
        Distillation with Conditional Adversarial Networks", 2017, equation (6).
    """

    default_weight = 1.0
    default_weight_source = "the paper, equation (7)"

    def __init__(self, reduction="sum", *, name=None):
        super().__init__(name=name)
        self.reduction = base.known_reduction(reduction)

    def per_example(self, teacher, student, labels=None):
        """The difference of each example in units of the logits, shape (batch,)."""
        teacher, student = base.comparable_logits(teacher, student)
        return base.reduce_over_classes(tf.abs(teacher - student), self.reduction)
