"""The game on the distance between the critic's mean values."""

import keras
import tensorflow as tf

from kd_keras.losses.games import base

__all__ = ["Wasserstein"]


@keras.saving.register_keras_serializable(package="kd_keras")
class Wasserstein(base.Game):
    """The critic separates the two means; the student closes the gap.

    Discriminator: student_score - teacher_score.
    Student: -student_score.
    The difference of the means is a distance only for a critic of bounded slope, hence the
    bound on its weights.

    Args:
        weight_clip: Bound > 0 on each kernel and bias of the discriminator, or None.

    Raises:
        ValueError: If the bound is not above 0.

    Example:
        >>> game = Wasserstein(weight_clip=0.01)
        >>> float(game.discriminator_per_example([3.0], [1.0])[0])
        -2.0
        >>> float(game.student_per_example([1.0])[0])
        -1.0

    Reference:
        Arjovsky, Chintala, Bottou, "Wasserstein GAN", 2017, algorithm 1.
    """

    def __init__(self, weight_clip=0.01):
        if weight_clip is not None and not weight_clip > 0:
            raise ValueError(
                "Invalid value for weight_clip. Expected a number above 0, or None for no "
                f"bound. Received: {weight_clip}."
            )
        self.weight_clip = weight_clip

    def discriminator_per_example(self, teacher_score, student_score):
        """The student's value less the teacher's."""
        return base.as_score(student_score) - base.as_score(teacher_score)

    def boundary(self, teacher_score, student_score):
        """Half way between the two means, because the critic's values have no zero.

        On several devices the means are of the whole batch.
        """
        teacher_score, student_score = base.as_score(teacher_score), base.as_score(student_score)
        count = tf.cast(tf.size(student_score), tf.float32)
        sums = [tf.reduce_sum(teacher_score), tf.reduce_sum(student_score), count]
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:
            sums = context.all_reduce(tf.distribute.ReduceOp.SUM, sums)
        return 0.5 * (sums[0] + sums[1]) / sums[2]

    def student_per_example(self, student_score):
        """The negated value of the student."""
        return -base.as_score(student_score)
