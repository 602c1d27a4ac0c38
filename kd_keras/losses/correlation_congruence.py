"""Correlation congruence: how alike every two examples of a batch are, under a Gaussian kernel."""

import math

import keras
import tensorflow as tf

from kd_keras.losses import checks, relations, taps

__all__ = ["CorrelationCongruence"]


@keras.saving.register_keras_serializable(package="kd_keras")
class CorrelationCongruence(taps.TapLoss):
    """Correlation congruence (CC): the Gaussian kernel of every two examples of the batch.

    sum_taps |K_teacher - K_student|_F^2 / B^2, over the B^2 pairs of the batch, where
    K_ij = exp(-2 gamma) * sum_(p = 0..order) (2 gamma)^p / p! * (f_i . f_j)^p
    and f_i is the activation of example i, scaled to length 1: the Taylor series of
    exp(-gamma |f_i - f_j|^2).

    An example's value is its row's mean, so that the mean is that sum.

    Args:
        gamma: Of the kernel, above 0, no unit.
        order: Highest power of the series, 1 or more.
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        name: Name of the layer.

    Raises:
        ValueError: If gamma is not above 0, or the order no whole number from 1.

    Public code:
        The kernel, order 2, gamma 0.4, weight 100 and the vector in front of the linear layer are
        KD-Zoo's, for CIFAR-10; whether they are the publication's was not seen. It depends on the
        batch's size. RepDistiller's `correlation`, weight 0.02, is another loss: the product of
        |teacher - student| of neighbours in the batch, after two trained linear layers, which is
        0 where every second example agrees.

    Example:
        >>> features = {"a": tf.constant([[1.0, 0.0], [1.0, 1.0]])}
        >>> CorrelationCongruence(taps=["a"]).per_example(features, features).numpy()
        array([0., 0.], dtype=float32)

    Reference:
        Peng, Jin, Liu, Zhou, Wu, Liu, Li, Zhang, "Correlation Congruence for Knowledge
        Distillation", 2019.
    """

    relates_examples = True
    default_weight = 100.0
    default_weight_source = "KD-Zoo, for CIFAR-10"

    def __init__(self, gamma=0.4, order=2, *, taps=("pooled",), teacher_taps=(), name=None):
        super().__init__(taps, teacher_taps, name=name)
        self.gamma = checks.above_zero("gamma", gamma)
        self.order = checks.whole_number("order", order, lowest=1)

    def compare(self, teacher, student):
        """The mean over each example's row, shape (batch,)."""
        difference = self._kernel(teacher) - self._kernel(student)
        return tf.reduce_mean(tf.square(difference), axis=-1)

    def _kernel(self, tensor):
        vectors = relations.unit(taps.flatten(tensor))
        cosines = tf.matmul(vectors, vectors, transpose_b=True)
        double = 2.0 * self.gamma
        factors = [double**power / math.factorial(power) for power in range(self.order + 1)]
        series = tf.zeros_like(cosines)
        for factor in reversed(factors):  # Horner's rule: no power whose gradient is undefined at 0
            series = series * cosines + factor
        return math.exp(-double) * series
