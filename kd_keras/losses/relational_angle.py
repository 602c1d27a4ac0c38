"""Relational distillation: the angles between the examples of a batch."""

import keras
import tensorflow as tf

from kd_keras.losses import relations, taps

__all__ = ["RelationalAngle"]


@keras.saving.register_keras_serializable(package="kd_keras")
class RelationalAngle(taps.TapLoss):
    """Relational distillation of angles (RKD-A).

    mean_ijk huber(a_student - a_teacher) over all B^3 triples of the batch, where a is the cosine
    of the angle at example i between examples j and k, 0 where two of them coincide.

    An example's value is the mean over the angles at it. Memory grows with B^3 and with
    B^2 times the features.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        name: Name of the layer.

    Public code:
        RepDistiller sums distances and angles in one loss of weight 1; here they are two losses,
        `relational_distance` with weight 25 and this one with weight 50.

    Example:
        >>> teacher = {"a": tf.constant([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])}
        >>> student = {"a": 3.0 * teacher["a"]}
        >>> RelationalAngle(taps=["a"]).per_example(teacher, student).numpy().round(6)
        array([0., 0., 0.], dtype=float32)

    Reference:
        Park, Kim, Lu, Cho, "Relational Knowledge Distillation", 2019.
    """

    relates_examples = True
    default_weight = 50.0
    default_weight_source = "RepDistiller"

    def __init__(self, taps=("pooled",), teacher_taps=(), *, name=None):
        super().__init__(taps, teacher_taps, name=name)

    def compare(self, teacher, student):
        """The mean over the angles at each example, shape (batch,)."""
        difference = _cosines(student) - _cosines(teacher)
        return tf.reduce_mean(relations.huber(difference), axis=(1, 2))


def _cosines(tensor):
    directions = relations.unit(relations.differences(taps.flatten(tensor)))
    return tf.matmul(directions, directions, transpose_b=True)
