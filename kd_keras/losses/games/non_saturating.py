"""The game whose student keeps its gradient when the discriminator wins."""

import keras
import tensorflow as tf

from kd_keras.losses.games import base, minimax

__all__ = ["NonSaturating"]


@keras.saving.register_keras_serializable(package="kd_keras")
class NonSaturating(minimax.Minimax):
    """The discriminator plays `Minimax`; the student maximises the likelihood of Real.

    Discriminator: softplus(-teacher_score) + softplus(student_score).
    Student: -log P(Real | student) = softplus(-student_score), whose gradient -P(Fake) is
    largest where the discriminator is sure of Fake.

    Example:
        >>> NonSaturating().student_per_example(tf.zeros([1])).numpy().round(4)
        array([0.6931], dtype=float32)

    Reference:
        Goodfellow and others, "Generative Adversarial Nets", 2014, section 3.
    """

    def student_per_example(self, student_score):
        """The cross-entropy against Real in nats."""
        return tf.math.softplus(-base.as_score(student_score))
