"""Attention transfer: where a network's activations are large."""

import keras
import tensorflow as tf

from kd_keras.losses import checks, relations, taps

__all__ = ["AttentionTransfer"]


@keras.saving.register_keras_serializable(package="kd_keras")
class AttentionTransfer(taps.TapLoss):
    """Attention transfer (AT): the normalised maps of the activations' size.

    sum_taps mean_hw (Q_teacher - Q_student)^2, Q = vec(mean_c |A|^p) / ||vec(mean_c |A|^p)||_2.

    The numbers of channels need not agree. Where the sizes differ, the larger map A is averaged
    down to the smaller before anything else.

    Args:
        taps: Names of the student's layers, maps.
        teacher_taps: Names of the teacher's; empty: the same.
        power: p, 1 or more: below, the slope at 0 is infinite.
        name: Name of the layer.

    Raises:
        ValueError: If the power is below 1, or a tap is not a map.

    Public code:
        The paper's equation (2) has beta / 2 times the norm itself; the official code, and with
        it every later one, squares it and takes the mean over batch, height and width, as here.
        The weight 1000 belongs to that form. One zoo divides by the number of taps.

    Example:
        >>> maps = {"a": tf.ones([2, 4, 4, 3])}
        >>> AttentionTransfer(taps=["a"]).per_example(maps, maps).numpy()
        array([0., 0.], dtype=float32)

    Reference:
        Zagoruyko, Komodakis, "Paying More Attention to Attention", 2017, equation (2).
    """

    reads_maps = True
    equalizes_sizes = True
    default_weight = 1000.0
    default_weight_source = "the official code; RepDistiller and mdistiller have it too"

    def __init__(
        self, taps=("group1", "group2", "group3"), teacher_taps=(), *, power=2.0, name=None
    ):
        super().__init__(taps, teacher_taps, name=name)
        self.power = checks.at_least("power", power, 1)

    def compare(self, teacher, student):
        """The distance of two attention maps of each example, shape (batch,)."""
        difference = self._attention(teacher) - self._attention(student)
        return tf.reduce_mean(tf.square(difference), axis=-1)

    def _attention(self, maps):
        size = tf.square(maps) if self.power == 2 else tf.pow(tf.abs(maps), self.power)
        return relations.unit(taps.flatten(tf.reduce_mean(size, axis=-1)))
