"""The paper's game: the student minimises what the discriminator maximises."""

import keras
import tensorflow as tf

from kd_keras.losses.games import base

__all__ = ["Minimax"]


@keras.saving.register_keras_serializable(package="kd_keras")
class Minimax(base.Game):
    """Both players on the same log-likelihood L_A, the saturating form.

    L_A = log P(Real | teacher) + log P(Fake | student).
    Discriminator: -L_A = softplus(-teacher_score) + softplus(student_score).
    Student: log P(Fake | student) = -softplus(student_score), whose gradient -P(Real) vanishes
    where the discriminator is sure of Fake.

    Example:
        >>> game = Minimax()
        >>> game.discriminator_per_example(tf.zeros([1]), tf.zeros([1])).numpy().round(4)
        array([1.3863], dtype=float32)
        >>> game.student_per_example(tf.zeros([1])).numpy().round(4)
        array([-0.6931], dtype=float32)

    Reference:
        Goodfellow and others, "Generative Adversarial Nets", 2014, equation (1); as used by Xu,
        Hsu, Huang, "Training Shallow and Thin Networks for Acceleration via Knowledge
        Distillation with Conditional Adversarial Networks", 2017, section 3.3.2.
    """

    def discriminator_per_example(self, teacher_score, student_score):
        """Two cross-entropies in nats: the teacher against Real, the student against Fake."""
        real = tf.math.softplus(-base.as_score(teacher_score))
        return real + tf.math.softplus(base.as_score(student_score))

    def student_per_example(self, student_score):
        """The log-probability of Fake in nats."""
        return -tf.math.softplus(base.as_score(student_score))
