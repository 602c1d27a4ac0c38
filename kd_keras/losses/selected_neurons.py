"""Regression of the teacher's best neurons, the ones that tell the classes apart."""

import keras
import tensorflow as tf

from kd_keras.losses import base, checks, taps

__all__ = ["SelectedNeurons"]


@keras.saving.register_keras_serializable(package="kd_keras")
class SelectedNeurons(taps.TapLoss):
    """Face-neuron selection (MobileID) with classes in the place of face attributes.

    sum_{i selected} (f_i - g_i)^2 / 2, f the teacher's neurons in its top hidden layer, g the
    student's.

    x_ic = (true positive rate + true negative rate) / 2 of neuron i, above its mean in the batch,
    as a test for class c, as a moving average over the batches in which c comes. A neuron's value
    is max_c |2 x_ic - 1| - redundancy * mean_{k != i} exp(-|x_i - x_k|^2 / 2): it tells some class
    apart, and others do not do the same. The `fraction` of highest value is selected, anew in
    every batch. Maps are averaged over height and width first; where the numbers of neurons
    differ, the student's go through a trained linear adapter.

    Args:
        taps: Name of the student's layer, one.
        teacher_taps: Name of the teacher's; empty: the same.
        fraction: Of the neurons that are selected, above 0 and no more than 1.
        redundancy: Weight of being like others, 0 or more.
        momentum: Of the moving average, in [0, 1).
        name: Name of the layer.

    Raises:
        ValueError: If an argument is out of range.

    Public code:
        None is known. The paper has 40 attributes of faces and selects once, by mean-field
        inference over an energy whose weight and penalty it does not give; 422 of 512 neurons
        were kept. With fraction 1 it is the regression alone.

    Example:
        >>> features, shapes = {"a": tf.ones([2, 4])}, {"a": [None, 4], "logits": [None, 3]}
        >>> loss = SelectedNeurons(taps=["a"], fraction=0.5)
        >>> loss.connect(shapes, shapes)
        >>> loss.per_example(features, {"a": tf.zeros([2, 4])}, tf.constant([0, 1])).numpy()
        array([1., 1.], dtype=float32)

    Reference:
        Luo, Zhu, Liu, Wang, Tang, "Face Model Compression by Distilling Knowledge from Neurons",
        2016.
    """

    needs_labels = True
    relates_examples = True
    adapts_channels = True
    default_weight = 1.0
    default_weight_source = "the paper, where it is the only term"

    def __init__(
        self,
        taps=("pooled",),
        teacher_taps=(),
        *,
        fraction=0.8,
        redundancy=1.0,
        momentum=0.9,
        name=None,
    ):
        super().__init__(taps, teacher_taps, name=name)
        if len(self.taps) != 1:
            raise ValueError(
                f"Invalid value for taps. Expected one layer. Received: {', '.join(self.taps)}."
            )
        self.fraction = checks.up_to_one("fraction", fraction)
        self.redundancy = checks.not_negative("redundancy", redundancy)
        self.momentum = checks.fraction("momentum", momentum)

    def build_parts(self, teacher_shapes, student_shapes):
        """Check the shapes, make the adapter and the rates."""
        super().build_parts(teacher_shapes, student_shapes)
        self.rates = self.add_weight(
            shape=[student_shapes["logits"][-1], teacher_shapes[self.taps[0]][-1]],
            initializer=keras.initializers.Constant(0.5),
            trainable=False,
            aggregation="mean",
            name="rates",
        )

    def per_example(self, teacher, student, labels=None):
        """Half the squared distance over the selected neurons, shape (batch,)."""
        ((_, target, source),) = self.tensors(teacher, student)
        target, source = taps.average_pixels(target), taps.average_pixels(source)
        self._update_rates(target, labels)
        selected = self._select()
        return 0.5 * tf.reduce_sum(selected * tf.square(target - source), axis=-1)

    def _update_rates(self, teacher, labels):
        classes = self.rates.shape[0]
        members = tf.transpose(tf.one_hot(base.class_numbers(labels), classes))
        active = tf.cast(teacher > tf.reduce_mean(teacher, axis=0), tf.float32)
        positives = tf.reduce_sum(members, axis=-1, keepdims=True)
        negatives = tf.reduce_sum(1.0 - members, axis=-1, keepdims=True)
        true_positive = tf.math.divide_no_nan(tf.matmul(members, active), positives)
        true_negative = tf.math.divide_no_nan(tf.matmul(1.0 - members, 1.0 - active), negatives)
        seen = tf.logical_and(positives > 0, negatives > 0)
        before = self.rates.value
        now = (true_positive + true_negative) / 2.0
        moved = self.momentum * before + (1.0 - self.momentum) * now
        self.rates.assign(tf.where(seen, moved, before))

    def _select(self):
        rates = tf.transpose(self.rates.value)
        neurons = rates.shape[0]
        telling = tf.reduce_max(tf.abs(2.0 * rates - 1.0), axis=-1)
        lengths = tf.reduce_sum(tf.square(rates), axis=-1)
        products = tf.matmul(rates, rates, transpose_b=True)
        squared = tf.maximum(lengths[:, None] + lengths[None, :] - 2.0 * products, 0.0)
        alike = tf.reduce_sum(tf.exp(-0.5 * squared), axis=-1) - 1.0
        value = telling - self.redundancy * alike / max(neurons - 1, 1)
        best = tf.math.top_k(value, k=max(1, round(self.fraction * neurons))).indices
        return tf.reduce_sum(tf.one_hot(best, neurons), axis=0)
