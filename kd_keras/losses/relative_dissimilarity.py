"""Relative dissimilarity: which of two examples is the nearer one."""

import keras
import tensorflow as tf

from kd_keras.losses import checks, relations, taps

__all__ = ["RelativeDissimilarity"]


@keras.saving.register_keras_serializable(package="kd_keras")
class RelativeDissimilarity(taps.TapLoss):
    """Relative dissimilarity: what is nearer for the teacher is nearer for the student.

    mean over the triples (i, j, k) of the batch for which the teacher has d(i, j) < d(i, k) of
    max(0, d_student(i, j) - d_student(i, k) + margin), d the squared Euclidean distance divided by
    the number of features.

    Several teachers vote: a triple counts where more than half of them have d(i, j) < d(i, k). Each
    has distances of its own, so that they may differ in channels.

    An example's value is the mean over the triples with i at it, times its share of all triples and
    the batch's size, so that the mean over the batch is the loss.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        margin: In squared units of one of the student's features, 0 or more.
        teachers: Names of the members of a mean of several teachers, which vote; empty: one
            teacher.
        name: Name of the layer.

    Raises:
        ValueError: If the margin is negative.

    Public code:
        None is known. The formula is written from descriptions of the paper; how its votes are
        counted, its margin and its weight were not found, so that 1 for both is no
        recommendation. The division by the number of features makes them mean the same on maps
        of any size; undivided, with a weight of 1, it drowned the labels on CIFAR-10. With the
        mean of several teachers in probability space and the soft target beside it this is the
        paper's whole objective.

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

    def __init__(self, taps=("group2",), teacher_taps=(), *, margin=1.0, teachers=(), name=None):
        super().__init__(taps, teacher_taps, name=name)
        self.margin = checks.not_negative("margin", margin)
        self.teachers = tuple(teachers)

    def build_parts(self, teacher_shapes, student_shapes):
        """Check the shapes, those of each teacher."""
        for shapes in self._members(teacher_shapes):
            super().build_parts(shapes, student_shapes)

    def per_example(self, teacher, student, labels=None):
        """Each example's share of the mean over all triples, summed over the taps, (batch,)."""
        members = [self.tensors(one, student) for one in self._members(teacher)]
        by_tap = zip(*members, strict=True)
        return tf.add_n([self._violations([t for _, t, _ in tap], tap[0][2]) for tap in by_tap])

    def _members(self, by_name):
        """What belongs to each teacher, by the tap's name."""
        if not self.teachers:
            return [by_name]
        return [{tap: by_name[f"{one}/{tap}"] for tap in self.taps} for one in self.teachers]

    def _violations(self, teachers, student):
        features = taps.flatten(student)
        student = relations.squared_distances_by_products(features) / features.shape[-1]
        others = tf.cast(relations.other_examples(student), tf.float32)
        triples = _voted(teachers) * others[:, :, None] * others[:, None, :]
        violations = tf.nn.relu(student[:, :, None] - student[:, None, :] + self.margin)
        batch = tf.cast(tf.shape(student)[0], tf.float32)
        total = tf.reduce_sum(triples)
        return batch * tf.math.divide_no_nan(
            tf.reduce_sum(triples * violations, axis=(1, 2)), total
        )


def _voted(teachers):
    """1 where most teachers have d(i, j) < d(i, k), else 0, shape (batch, batch, batch)."""
    votes = []
    for teacher in teachers:
        distances = relations.squared_distances_by_products(taps.flatten(teacher))
        votes.append(tf.cast(distances[:, :, None] < distances[:, None, :], tf.float32))
    return tf.cast(tf.add_n(votes) > len(votes) / 2, tf.float32)
