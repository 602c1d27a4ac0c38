"""Neuron selectivity transfer: the distribution of a layer's channels."""

import keras
import tensorflow as tf

from kd_keras.losses import checks, relations, taps

__all__ = ["NeuronSelectivity"]

_KERNELS = ("polynomial", "linear", "gaussian")
_SMALLEST_VARIANCE = 1e-12


@keras.saving.register_keras_serializable(package="kd_keras")
class NeuronSelectivity(taps.TapLoss):
    """Neuron selectivity transfer (NST): maximum mean discrepancy of the channels.

    sum_taps mean k(t, t') + mean k(s, s') - 2 mean k(t, s) over all pairs of channels, where a
    channel is its map over height and width, scaled to length 1.

    Kernels k(x, y): linear x.y; polynomial (x.y + offset)^degree; gaussian
    exp(-|x - y|^2 / (2 v)) with v the mean of |t - s|^2 over the example's pairs, a constant.
    The numbers of channels need not agree. Where the sizes differ, the larger map is averaged
    down to the smaller first.

    Args:
        taps: Names of the student's layers, maps.
        teacher_taps: Names of the teacher's; empty: the same.
        kernel: "polynomial", "linear" or "gaussian".
        degree: Of the polynomial kernel, a whole number.
        offset: Of the polynomial kernel, 0 or more.
        name: Name of the layer.

    Raises:
        ValueError: If there is no such kernel, or a tap is not a map.

    Public code:
        The paper has lambda / 2 times the discrepancy with lambda = 50 (linear, polynomial) or
        100 (gaussian), from the last stage alone; the official code applies the full 50 and
        leaves out the teacher's own term, which is a constant. RepDistiller sums three stages.
        For the paper's form: taps group3 and weight 25.

    Example:
        >>> maps = {"a": tf.ones([1, 2, 2, 3])}
        >>> NeuronSelectivity(taps=["a"]).per_example(maps, maps).numpy()
        array([0.], dtype=float32)

    Reference:
        Huang, Wang, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer",
        2017, section 4.2.
    """

    reads_maps = True
    equalizes_sizes = True
    default_weight = 50.0
    default_weight_source = "the official code and RepDistiller, for the polynomial kernel"

    def __init__(
        self,
        taps=("group1", "group2", "group3"),
        teacher_taps=(),
        *,
        kernel="polynomial",
        degree=2,
        offset=0.0,
        name=None,
    ):
        super().__init__(taps, teacher_taps, name=name)
        self.kernel = checks.one_of("kernel", _KERNELS, kernel)
        self.degree = checks.whole_number("degree", degree, lowest=1)
        self.offset = checks.not_negative("offset", offset)

    def compare(self, teacher, student):
        """The discrepancy of each example, shape (batch,)."""
        teacher, student = map(_channels, (teacher, student))
        if self.kernel == "linear":
            # The mean over all pairs of a product is the product of the means.
            difference = tf.reduce_mean(teacher, axis=1) - tf.reduce_mean(student, axis=1)
            return tf.reduce_sum(tf.square(difference), axis=-1)
        between = tf.matmul(teacher, student, transpose_b=True)
        variance = tf.stop_gradient(
            tf.reduce_mean(_squared_distance(teacher, student, between), axis=(1, 2), keepdims=True)
        )
        within = [
            self._mean_kernel(x, x, tf.matmul(x, x, transpose_b=True), variance)
            for x in (teacher, student)
        ]
        return tf.add_n(within) - 2.0 * self._mean_kernel(teacher, student, between, variance)

    def _mean_kernel(self, first, second, products, variance):
        if self.kernel == "polynomial":
            values = (products + self.offset) ** self.degree
        else:
            squared = _squared_distance(first, second, products)
            values = tf.exp(-squared / (2.0 * tf.maximum(variance, _SMALLEST_VARIANCE)))
        return tf.reduce_mean(values, axis=(1, 2))


def _channels(maps):
    """Unit vectors over height and width, shape (batch, channels, pixels)."""
    batch_first = tf.transpose(maps, [0, 3, 1, 2])
    pixels = maps.shape[1] * maps.shape[2]
    return relations.unit(tf.reshape(batch_first, [-1, maps.shape[3], pixels]))


def _squared_distance(first, second, products):
    lengths = [tf.reduce_sum(tf.square(x), axis=-1) for x in (first, second)]
    squared = lengths[0][:, :, None] + lengths[1][:, None, :] - 2.0 * products
    return tf.maximum(squared, 0.0)
