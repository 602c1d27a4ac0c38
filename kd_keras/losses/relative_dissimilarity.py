"""Relative dissimilarity: which of two examples is the nearer one."""

import keras
import tensorflow as tf

from kd_keras.losses import checks, relations, taps

__all__ = ["RelativeDissimilarity"]


@keras.saving.register_keras_serializable(package="kd_keras")
class RelativeDissimilarity(taps.TapLoss):
    """Relative dissimilarity: what is nearer for the teacher is nearer for the student.

    mean over the triples (i, j, k) of the batch for which the teacher has d(i, j) < d(i, k) of
    max(0, d_student(i, j) - d_student(i, k) + margin), d the squared Euclidean distance.

    An example's value is the mean over the triples with i at it, times its share of all triples.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        margin: In squared units of the student's features, 0 or more.
        name: Name of the layer.

    Raises:
        ValueError: If the margin is negative.

    Public code:
        None is known. The paper lets several teachers vote on the order; here there is one. Its
        formula is written from descriptions of it, and neither its margin nor its weight was
        found, so that 1 for both is no recommendation.

    Example:
        >>> features = {"a": tf.constant([[0.0], [1.0], [5.0]])}
        >>> loss = RelativeDissimilarity(taps=["a"], margin=0.5)
        >>> loss.per_example(features, features).numpy()
        array([0., 0., 0.], dtype=float32)

    Reference:
        You, Xu, Xu, Tao, "Learning from Multiple Teacher Networks", 2017.
    """

    relates_examples = True
    default_weight = 1.0
    default_weight_source = "not found"

    def __init__(self, taps=("group2",), teacher_taps=(), *, margin=1.0, name=None):
        super().__init__(taps, teacher_taps, name=name)
        self.margin = checks.not_negative("margin", margin)

    def compare(self, teacher, student):
        """Each example's share of the mean over all triples, shape (batch,)."""
        teacher, student = (
            relations.squared_distances(taps.flatten(x)) for x in (teacher, student)
        )
        others = tf.cast(relations.other_examples(teacher), tf.float32)
        nearer = tf.cast(teacher[:, :, None] < teacher[:, None, :], tf.float32)
        triples = nearer * others[:, :, None] * others[:, None, :]
        violations = tf.nn.relu(student[:, :, None] - student[:, None, :] + self.margin)
        batch = tf.cast(tf.shape(student)[0], tf.float32)
        total = tf.reduce_sum(triples)
        return batch * tf.math.divide_no_nan(
            tf.reduce_sum(triples * violations, axis=(1, 2)), total
        )
