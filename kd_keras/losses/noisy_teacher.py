"""Regression on a teacher whose logits are perturbed anew in every batch."""

import math

import keras
import tensorflow as tf

from kd_keras.losses import base, checks
from kd_keras.losses.randomness import draw_uniform

__all__ = ["NoisyTeacher"]


@keras.saving.register_keras_serializable(package="kd_keras")
class NoisyTeacher(base.DistillationLoss):
    """Logit regression on a noisy teacher.

    sum_c (student_c - (1 + x_c) teacher_c)^2 / 2, x_c normal with mean 0 and the deviation,
    drawn anew per logit and batch, for an example taken with the probability; otherwise x = 0.

    Args:
        probability: That an example's teacher is perturbed, above 0 and no more than 1.
        deviation: Standard deviation of x, 0 or more, no unit: the noise is a factor.
        seed: Of the noise. The state of the generator is among the loss's variables.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is out of range.

    Public code:
        None by the authors. The paper has no cross-entropy beside it: `--supervised_weight=0`.
        The best deviation on CIFAR-10 was 0.9 with probability 0.5.

    Example:
        >>> loss = NoisyTeacher(deviation=0.0)
        >>> loss.per_example(tf.constant([[1.0, -2.0]]), tf.zeros([1, 2])).numpy()
        array([2.5], dtype=float32)

    Reference:
        Sau, Balasubramanian, "Deep Model Compression: Distilling Knowledge from Noisy Teachers",
        2016, equation (1) and algorithm 1.
    """

    default_weight = 1.0
    default_weight_source = "the paper, where it is the only term"

    def __init__(self, probability=0.5, deviation=0.9, *, seed=0, name=None):
        super().__init__(name=name)
        self.probability = checks.up_to_one("probability", probability)
        self.deviation = checks.not_negative("deviation", deviation)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def per_example(self, teacher, student, labels=None):
        """Half the squared distance to the perturbed logits, shape (batch,)."""
        teacher, student = base.comparable_logits(teacher, student)
        target = teacher * (1.0 + self._draw_noise(teacher))
        return 0.5 * tf.reduce_sum(tf.square(student - target), axis=-1)

    def _draw_noise(self, logits):
        shape = tf.shape(logits)
        radius, angle = self._draw_uniform(shape), self._draw_uniform(shape)
        # Box and Muller's way; TensorFlow's own would be another with XLA.
        noise = tf.sqrt(-2.0 * tf.math.log1p(-radius)) * tf.cos(2.0 * math.pi * angle)
        perturbed = tf.cast(self._draw_uniform(shape[:1]) < self.probability, tf.float32)
        return self.deviation * noise * perturbed[:, None]

    def _draw_uniform(self, shape):
        return draw_uniform(shape, self.seed_generator.next())
