"""The game on squared distances to the targets Real = 1 and Fake = 0."""

import keras
import tensorflow as tf

from kd_keras.losses.games import base

__all__ = ["LeastSquares"]


@keras.saving.register_keras_serializable(package="kd_keras")
class LeastSquares(base.Game):
    """Least squares in place of log-likelihoods; the score is a value, not log-odds.

    Discriminator: 1/2 (teacher_score - 1)^2 + 1/2 student_score^2.
    Student: 1/2 (student_score - 1)^2.

    Example:
        >>> game = LeastSquares()
        >>> game.discriminator_per_example(tf.zeros([1]), tf.ones([1])).numpy()
        array([1.], dtype=float32)
        >>> game.student_per_example(tf.zeros([1])).numpy()
        array([0.5], dtype=float32)

    Reference:
        Mao, Li, Xie, Lau, Wang, Smolley, "Least Squares Generative Adversarial Networks", 2017,
        equation (9).
    """

    def discriminator_per_example(self, teacher_score, student_score):
        """Half the squared distance of the teacher to 1 and of the student to 0."""
        real = tf.square(base.as_score(teacher_score) - 1.0)
        return 0.5 * (real + tf.square(base.as_score(student_score)))

    def boundary(self, teacher_score, student_score):
        """Half way between the two targets."""
        return tf.constant(0.5)

    def student_per_example(self, student_score):
        """Half the squared distance of the student to 1."""
        return 0.5 * tf.square(base.as_score(student_score) - 1.0)
