"""Relational distillation: how far the examples of a batch are from each other."""

import keras
import tensorflow as tf

from kd_keras.losses import relations, taps

__all__ = ["RelationalDistance"]


@keras.saving.register_keras_serializable(package="kd_keras")
class RelationalDistance(taps.TapLoss):
    """Relational distillation of distances (RKD-D).

    mean_ij huber(d_student(i, j) - d_teacher(i, j)) over all B^2 pairs of the batch, d the
    Euclidean distance divided by its mean over the pairs that are apart; huber(x) is x^2 / 2 up
    to |x| = 1 and |x| - 1/2 beyond.

    An example's value is its row's mean.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        name: Name of the layer.

    Public code:
        Distances there come from products of vectors, which loses the small ones in float32 and
        takes clamped noise for a distance; here they come from differences. The gradient flows
        through the student's mean distance, there too.

    Example:
        >>> teacher = {"a": tf.constant([[0.0], [1.0]])}
        >>> student = {"a": tf.constant([[0.0], [7.0]])}
        >>> RelationalDistance(taps=["a"]).per_example(teacher, student).numpy()
        array([0., 0.], dtype=float32)

    Reference:
        Park, Kim, Lu, Cho, "Relational Knowledge Distillation", 2019.
    """

    relates_examples = True
    default_weight = 25.0
    default_weight_source = "RepDistiller"

    def __init__(self, taps=("pooled",), teacher_taps=(), *, name=None):
        super().__init__(taps, teacher_taps, name=name)

    def compare(self, teacher, student):
        """The mean over each example's pairs, shape (batch,)."""
        difference = _relative_distances(student) - _relative_distances(teacher)
        return tf.reduce_mean(relations.huber(difference), axis=-1)


def _relative_distances(tensor):
    distances = relations.distances(taps.flatten(tensor))
    apart = tf.cast(distances > 0, tf.float32)
    mean = tf.math.divide_no_nan(tf.reduce_sum(distances), tf.reduce_sum(apart))
    return tf.math.divide_no_nan(distances, mean)
