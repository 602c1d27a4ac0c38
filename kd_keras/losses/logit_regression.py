"""Regression of the student's logits on the teacher's."""

import keras
import tensorflow as tf

from kd_keras.losses import base

__all__ = ["LogitRegression"]


@keras.saving.register_keras_serializable(package="kd_keras")
class LogitRegression(base.DistillationLoss):
    """Squared difference of the teacher's and the student's logits, without a temperature.

    sum_c (teacher_c - student_c)^2, or the mean over c, which public code often takes.

    Args:
        reduction: Over the classes: "sum" or "mean".
        name: Name of the layer.

    Raises:
        ValueError: If there is no such reduction.

    Public code:
        The papers sum over the classes and have no cross-entropy beside it; noisy teachers'
        baseline has 1/2 of it (weight 0.5). KD-Zoo takes the mean over the elements with weight
        0.1.

    Example:
        >>> LogitRegression().per_example(tf.constant([[1.0, -2.0]]), tf.zeros([1, 2])).numpy()
        array([5.], dtype=float32)

    Reference:
        Ba, Caruana, "Do Deep Nets Really Need to be Deep?", 2014; in the form of Urban et al.,
        "Do Deep Convolutional Nets Really Need to be Deep and Convolutional?", 2017, section 2.
    """

    default_weight = 1.0
    default_weight_source = "the papers, where it is the only term"

    def __init__(self, reduction="sum", *, name=None):
        super().__init__(name=name)
        self.reduction = base.known_reduction(reduction)

    def per_example(self, teacher, student, labels=None):
        """The squared difference of each example, shape (batch,)."""
        teacher, student = base.comparable_logits(teacher, student)
        return base.reduce_over_classes(tf.square(teacher - student), self.reduction)
