"""The game on the distance between the critic's mean values, its slope held by a penalty."""

import keras
import tensorflow as tf

from kd_keras.losses.games import base, wasserstein

__all__ = ["WassersteinPenalty"]


@keras.saving.register_keras_serializable(package="kd_keras")
class WassersteinPenalty(wasserstein.Wasserstein):
    """The Wasserstein game with a gradient penalty in the place of the clipping (WGAN-GP).

    Discriminator: student_score - teacher_score + penalty_weight (|dD(z)/dz| - 1)^2,
    z = u teacher_logits + (1 - u) student_logits, u uniform in [0, 1), one for each example.
    Student: -student_score.

    The slope is that of the critic at rest, without dropout and with the moving statistics of
    batch normalisation, so that it is the example's own.

    Args:
        penalty_weight: Of the squared difference of the slope from 1; above 0.

    Raises:
        ValueError: If the weight is not above 0.

    Public code:
        The paper leaves batch normalisation out of the critic, because with it the output for
        one example depends on the others; here the discriminator keeps it. It updates the critic
        five times for each update of the other player; here it is once.

    Example:
        >>> game = WassersteinPenalty()
        >>> game.penalty_per_example(tf.constant([1.0, 3.0])).numpy()
        array([ 0., 40.], dtype=float32)

    Reference:
        Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville, "Improved Training of Wasserstein GANs",
        2017, equation (3) and algorithm 1.
    """

    def __init__(self, penalty_weight=10.0):
        super().__init__(weight_clip=None)
        if not penalty_weight > 0:
            raise ValueError(
                "Invalid value for penalty_weight. Expected a number above 0. "
                f"Received: {penalty_weight}."
            )
        self.penalty_weight = penalty_weight

    def penalty_per_example(self, slope):
        """The weighted squared difference of the slope from 1."""
        return self.penalty_weight * tf.square(base.as_score(slope) - 1.0)
