"""Probabilistic knowledge transfer: similarities of a batch as probabilities."""

import keras
import tensorflow as tf

from kd_keras.losses import relations, taps

__all__ = ["ProbabilisticTransfer"]

_SMALLEST_PROBABILITY = 1e-7


@keras.saving.register_keras_serializable(package="kd_keras")
class ProbabilisticTransfer(taps.TapLoss):
    """Probabilistic knowledge transfer (PKT): which neighbours an example would choose.

    mean_ij p_ij log((p_ij + e) / (q_ij + e)), e = 1e-7, over all B^2 pairs of the batch. p_ij is
    (1 + cos(teacher_i, teacher_j)) / 2 divided by its sum over j; q the student's.

    An example's value is its row's mean.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        name: Name of the layer.

    Public code:
        A divergence would sum over j; the code takes the mean over all pairs, to which the weight
        30000 belongs.

    Example:
        >>> features = {"a": tf.constant([[1.0, 0.0], [1.0, 1.0]])}
        >>> ProbabilisticTransfer(taps=["a"]).per_example(features, features).numpy()
        array([0., 0.], dtype=float32)

    Reference:
        Passalis, Tefas, "Learning Deep Representations with Probabilistic Knowledge Transfer",
        2018.
    """

    relates_examples = True
    default_weight = 30000.0
    default_weight_source = "RepDistiller, for the mean over all pairs"

    def __init__(self, taps=("pooled",), teacher_taps=(), *, name=None):
        super().__init__(taps, teacher_taps, name=name)

    def compare(self, teacher, student):
        """The mean over each example's row, shape (batch,)."""
        teacher, student = _neighbours(teacher), _neighbours(student)
        log_ratio = tf.math.log(teacher + _SMALLEST_PROBABILITY) - tf.math.log(
            student + _SMALLEST_PROBABILITY
        )
        return tf.reduce_mean(teacher * log_ratio, axis=-1)


def _neighbours(tensor):
    vectors = relations.unit(taps.flatten(tensor))
    cosines = tf.clip_by_value(tf.matmul(vectors, vectors, transpose_b=True), -1.0, 1.0)
    similarities = (cosines + 1.0) / 2.0
    return similarities / tf.reduce_sum(similarities, axis=-1, keepdims=True)
