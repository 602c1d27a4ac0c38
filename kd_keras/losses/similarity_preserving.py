"""Similarity-preserving distillation: which examples of a batch look alike."""

import keras
import tensorflow as tf

from kd_keras.losses import relations, taps

__all__ = ["SimilarityPreserving"]


@keras.saving.register_keras_serializable(package="kd_keras")
class SimilarityPreserving(taps.TapLoss):
    """Similarity-preserving distillation (SP): products of the examples' activations.

    sum_taps |G_teacher - G_student|_F^2 / B^2, where row i of G is row i of A A^T scaled to
    length 1 and row i of A is the whole activation of example i of the B in the batch.

    An example's value is its row's, sum_j (...)_ij^2 / B, so that the mean is that sum.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        name: Name of the layer.

    Public code:
        It depends on the batch's size, which on several replicas is the replica's share: the
        published runs had 64 to 128 on one.

    Example:
        >>> features = {"a": tf.constant([[1.0, 0.0], [1.0, 1.0]])}
        >>> SimilarityPreserving(taps=["a"]).per_example(features, features).numpy()
        array([0., 0.], dtype=float32)

    Reference:
        Tung, Mori, "Similarity-Preserving Knowledge Distillation", 2019.
    """

    relates_examples = True
    default_weight = 3000.0
    default_weight_source = "RepDistiller"

    def __init__(self, taps=("group3",), teacher_taps=(), *, name=None):
        super().__init__(taps, teacher_taps, name=name)

    def compare(self, teacher, student):
        """Each example's row of the difference, shape (batch,)."""
        difference = _similarities(teacher) - _similarities(student)
        return tf.reduce_mean(tf.square(difference), axis=-1)


def _similarities(tensor):
    vectors = taps.flatten(tensor)
    return relations.unit(tf.matmul(vectors, vectors, transpose_b=True))
