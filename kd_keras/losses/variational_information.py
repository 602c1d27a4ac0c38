"""Variational information distillation: how well the student predicts the teacher."""

import math

import keras
import tensorflow as tf

from kd_keras.losses import checks, taps

__all__ = ["VariationalInformation"]

_SMALLEST_VARIANCE = 1e-5


@keras.saving.register_keras_serializable(package="kd_keras")
class VariationalInformation(taps.TapLoss):
    """Variational information distillation (VID): a Gaussian prediction of the teacher's layer.

    sum_taps mean_elements ((teacher - m(student))^2 / v + log v) / 2, with a trained mean m and a
    trained variance v per channel of the teacher, v = log(1 + e^a) + 1e-5. It may be negative.

    m is three linear layers on the channels (1x1 convolutions on maps) without bias, with ReLUs
    between them, as wide as the teacher. Where the sizes differ, the larger map is averaged down
    to the smaller first.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        initial_variance: v before training, above 1e-5, in squared units of the layer.
        name: Name of the layer.

    Raises:
        ValueError: If the variance is not above 1e-5.

    Public code:
        log(1 + e^a) overflows there for large a; here it does not.

    Example:
        >>> features, shapes = {"a": tf.ones([2, 3])}, {"a": [None, 3]}
        >>> loss = VariationalInformation(taps=["a"], initial_variance=1.0)
        >>> loss.connect(shapes, shapes)
        >>> len(loss.trainable_variables), loss.per_example(features, features).shape
        (4, TensorShape([2]))

    Reference:
        Ahn, Hu, Damianou, Lawrence, Dai, "Variational Information Distillation for Knowledge
        Transfer", 2019.
    """

    equalizes_sizes = True
    default_weight = 1.0
    default_weight_source = "RepDistiller"

    def __init__(
        self,
        taps=("group1", "group2", "group3"),
        teacher_taps=(),
        *,
        initial_variance=5.0,
        name=None,
    ):
        super().__init__(taps, teacher_taps, name=name)
        checks.above_zero("initial_variance - 1e-5", initial_variance - _SMALLEST_VARIANCE)
        self.initial_variance = initial_variance
        self.means, self.raw_variances = {}, {}

    def build_parts(self, teacher_shapes, student_shapes):
        """Check the shapes, make the predictions' means and variances."""
        super().build_parts(teacher_shapes, student_shapes)
        excess = self.initial_variance - _SMALLEST_VARIANCE
        raw = excess + math.log(-math.expm1(-excess))  # log(e^x - 1), which does not overflow
        for tap in self.taps:
            units, label = teacher_shapes[tap][-1], tap.replace("/", "_")
            inputs = [student_shapes[tap], teacher_shapes[tap], teacher_shapes[tap]]
            self.means[tap] = [_make_layer(units, f"{label}_mean{n}") for n in (1, 2, 3)]
            for layer, shape in zip(self.means[tap], inputs, strict=True):
                layer.build(shape)
            self.raw_variances[tap] = self.add_weight(
                shape=[units],
                initializer=keras.initializers.Constant(raw),
                name=f"{label}_raw_variance",
            )

    def per_example(self, teacher, student, labels=None):
        """The negative log-likelihood but for a constant, in nats per element, shape (batch,)."""
        values = []
        for tap, target, source in self.tensors(teacher, student):
            variance = tf.math.softplus(self.raw_variances[tap].value) + _SMALLEST_VARIANCE
            squared = tf.square(target - self._predict(tap, source))
            likelihood = 0.5 * (squared / variance + tf.math.log(variance))
            values.append(tf.reduce_mean(taps.flatten(likelihood), axis=-1))
        return tf.add_n(values)

    def _predict(self, tap, source):
        first, second, last = self.means[tap]
        return last(tf.nn.relu(second(tf.nn.relu(first(source)))))


def _make_layer(units, name):
    return keras.layers.Dense(units, use_bias=False, dtype="float32", name=name)
