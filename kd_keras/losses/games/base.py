"""What every adversarial game has in common.

A game turns the discriminator's scores into what the discriminator and the student minimise. The
network that gives the scores, its label loss and the order of the updates live elsewhere.
"""

import keras
import tensorflow as tf

from kd_keras.losses import base

__all__ = ["Game", "as_score"]


@keras.saving.register_keras_serializable(package="kd_keras")
class Game:
    """Base class of the adversarial games: what each player minimises, per example.

    A score is the discriminator's log-odds of Real, log P(Real) - log P(Fake); where a game
    knows no probabilities it is the critic's value. The teacher's logits are Real, the
    student's are Fake.

    Attributes:
        weight_clip: None, or the bound to which the trainer clamps the discriminator's kernels
            and biases after each of its updates. Batch normalisation is left alone.
        penalty_weight: None, or a number above 0: the trainer adds `penalty_per_example` of the
            score's slope between the two players' logits to what the discriminator minimises.
    """

    weight_clip = None
    penalty_weight = None

    def discriminator_per_example(self, teacher_score, student_score):
        """What the discriminator minimises.

        Args:
            teacher_score: Of the teacher's logits, shape (batch,).
            student_score: Of the student's logits, shape (batch,).

        Returns:
            Shape (batch,), float32.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not say what the discriminator minimises. Write its "
            "method discriminator_per_example(self, teacher_score, student_score), which "
            "returns one float32 value per example, shape (batch,)."
        )

    def student_per_example(self, student_score):
        """What the student minimises.

        Args:
            student_score: Of the student's logits, shape (batch,).

        Returns:
            Shape (batch,), float32.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not say what the student minimises. Write its method "
            "student_per_example(self, student_score), which returns one float32 value per "
            "example, shape (batch,)."
        )

    def boundary(self, teacher_score, student_score):
        """The score above which the discriminator says Real: 0, the log-odds of a coin.

        It is for watching the game; nobody is trained on it.

        Args:
            teacher_score: Of the teacher's logits, shape (batch,).
            student_score: Of the student's logits, shape (batch,).

        Returns:
            Scalar, float32.
        """
        return tf.constant(0.0)

    def penalty_per_example(self, slope):
        """What the discriminator pays for its slope, where the game has a penalty weight.

        Args:
            slope: Norm of the score's gradient with respect to the logits, shape (batch,).

        Returns:
            Shape (batch,), float32.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has a penalty_weight and does not say what it weighs. Write "
            "its method penalty_per_example(self, slope), which returns one float32 value per "
            "example, shape (batch,)."
        )

    def get_config(self):
        """The constructor's arguments, from which `from_config` builds an equal game."""
        return base.constructor_arguments(self)

    @classmethod
    def from_config(cls, config):
        """Build a game from what `get_config` returned."""
        return cls(**config)


def as_score(score):
    """Check the shape of a score and make it float32.

    A score of shape (batch, 1) beside one of shape (batch,) would silently give a matrix.

    Args:
        score: Shape (batch,), any real dtype.

    Returns:
        The score in float32.

    Raises:
        ValueError: If the shape is not (batch,).

    Example:
        >>> as_score(tf.zeros([2], tf.float16)).dtype
        tf.float32
    """
    score = tf.convert_to_tensor(score)
    if score.shape.rank != 1:
        raise ValueError(f"Expected a score of shape (batch,). Received: {score.shape}.")
    return tf.cast(score, tf.float32)
