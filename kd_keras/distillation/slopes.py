"""How steep a discriminator is between the teacher's logits and the student's."""

import keras
import tensorflow as tf

from kd_keras.losses.randomness import draw_uniform

__all__ = ["Slopes"]

_SMALLEST_SQUARE = 1e-12  # the square root has no gradient at 0


class Slopes(keras.layers.Layer):
    """Norms of a score's gradient at random points between two sets of logits.

    |d score(z) / dz|, z = u teacher + (1 - u) student, u uniform in [0, 1) for each example.

    Args:
        seed: Of the random points.

    Example:
        >>> def double(logits):
        ...     return 2.0 * logits[:, 0]
        >>> Slopes(seed=0).norms(double, tf.zeros([2, 3]), tf.ones([2, 3])).numpy()
        array([2., 2.], dtype=float32)

    Reference:
        Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville, "Improved Training of Wasserstein GANs",
        2017, algorithm 1.
    """

    def __init__(self, seed):
        super().__init__(name="slopes", dtype="float32")
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def norms(self, score, teacher_logits, student_logits):
        """The norms at points that are drawn anew in every call.

        Args:
            score: Function from logits to a score of shape (batch,), each of its own example.
            teacher_logits: Shape (batch, classes).
            student_logits: Likewise.

        Returns:
            Shape (batch,), float32, of which the gradient can be taken.
        """
        share = draw_uniform(tf.shape(student_logits)[:1], self.seed_generator.next())[:, None]
        between = tf.stop_gradient(share * teacher_logits + (1.0 - share) * student_logits)
        with tf.GradientTape() as tape:
            tape.watch(between)
            value = score(between)
        squares = tf.reduce_sum(tf.square(tape.gradient(value, between)), axis=-1)
        return tf.sqrt(tf.maximum(squares, _SMALLEST_SQUARE))
