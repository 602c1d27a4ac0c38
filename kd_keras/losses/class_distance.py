"""Class-distance distillation: the feature before the last layer, and where its class lies."""

import keras
import tensorflow as tf

from kd_keras.losses import base, checks, taps

__all__ = ["ClassDistance"]


@keras.saving.register_keras_serializable(package="kd_keras")
class ClassDistance(taps.TapLoss):
    """Class-distance distillation: the student's feature is moved onto the teacher's.

    |f - g|^2 + center_weight * (|g - C|^2 - min(margin, |g - O|^2)), squared norms over the
    features; f the teacher's feature of the example, g the student's, C the mean of the teacher's
    features over the examples of the batch with the same label, O the nearest such mean of
    another label.

    With center_weight 0, the default, it is the student's published loss. Where the numbers of
    features differ, the student's go through a trained linear adapter.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        center_weight: Of the class's term, 0 or more.
        margin: Squared distance from another class beyond which nothing is gained, above 0.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is out of range.

    Public code:
        None is known, and the values of the paper's weight and margin are not either. The paper
        puts the class's term on the teacher when that is trained, with centres over all images;
        here it is put on the student, with centres of the batch. The paper's student also takes
        the teacher's last layer over, which this does not do.

    Example:
        >>> features = {"a": tf.constant([[1.0], [2.0]])}
        >>> loss = ClassDistance(taps=["a"])
        >>> loss.per_example(features, {"a": tf.zeros([2, 1])}, tf.constant([0, 1])).numpy()
        array([1., 4.], dtype=float32)

    Reference:
        Kim, Kim, "Transferring Knowledge to Smaller Network with Class-Distance Loss", 2017.
    """

    needs_labels = True
    adapts_channels = True
    equalizes_sizes = True
    default_weight = 1.0
    default_weight_source = "the paper, where it is the student's only term"

    def __init__(
        self, taps=("pooled",), teacher_taps=(), *, center_weight=0.0, margin=1.0, name=None
    ):
        super().__init__(taps, teacher_taps, name=name)
        self.center_weight = checks.not_negative("center_weight", center_weight)
        self.margin = checks.above_zero("margin", margin)
        self.relates_examples = center_weight > 0

    def per_example(self, teacher, student, labels=None):
        """The sum over the taps, shape (batch,)."""
        values = []
        for _, target, source in self.tensors(teacher, student):
            target, source = map(taps.flatten, (target, source))
            values.append(tf.reduce_sum(tf.square(target - source), axis=-1))
            if self.center_weight:
                values.append(self.center_weight * self._class_term(target, source, labels))
        return tf.add_n(values)

    def _class_term(self, teacher, student, labels):
        labels = base.class_numbers(labels)
        same = tf.cast(labels[:, None] == labels[None, :], tf.float32)
        # Row i is the centre of the class of example i.
        centers = tf.matmul(same, teacher) / tf.reduce_sum(same, axis=-1, keepdims=True)
        squared = tf.reduce_sum(tf.square(student[:, None, :] - centers[None, :, :]), axis=-1)
        own = tf.linalg.diag_part(squared)
        others = tf.where(same > 0, self.margin, squared)
        return own - tf.minimum(self.margin, tf.reduce_min(others, axis=-1))
