"""The game on hinges: scores beyond a margin of 1 count no more."""

import keras
import tensorflow as tf

from kd_keras.losses.games import base

__all__ = ["Hinge"]


@keras.saving.register_keras_serializable(package="kd_keras")
class Hinge(base.Game):
    """Hinge losses in place of log-likelihoods; the score is a value, not log-odds.

    Discriminator: max(0, 1 - teacher_score) + max(0, 1 + student_score).
    Student: -student_score.

    Example:
        >>> game = Hinge()
        >>> game.discriminator_per_example(tf.constant([0.5]), tf.constant([-3.0])).numpy()
        array([0.5], dtype=float32)
        >>> game.student_per_example(tf.constant([0.5])).numpy()
        array([-0.5], dtype=float32)

    Reference:
        Lim, Ye, "Geometric GAN", 2017; Miyato, Kataoka, Koyama, Yoshida,
        "Spectral Normalization for Generative Adversarial Networks", 2018.
    """

    def discriminator_per_example(self, teacher_score, student_score):
        """What is missing of the teacher above 1 and of the student below -1."""
        real = tf.nn.relu(1.0 - base.as_score(teacher_score))
        return real + tf.nn.relu(1.0 + base.as_score(student_score))

    def student_per_example(self, student_score):
        """The negated value of the student."""
        return -base.as_score(student_score)
