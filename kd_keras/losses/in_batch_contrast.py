"""Contrastive representation distillation, with the batch in the place of a memory."""

import keras
import tensorflow as tf

from kd_keras.losses import base, checks, relations, taps

__all__ = ["InBatchContrast"]

_EXCLUDED = -1e9  # instead of the score of an example with the same label


@keras.saving.register_keras_serializable(package="kd_keras")
class InBatchContrast(taps.TapLoss):
    """Contrastive representation distillation (CRD), its negatives from the batch.

    log sum_j e^((s_i.t_j - s_i.t_i) / tau) + log sum_j e^((s_j.t_i - s_i.t_i) / tau)

    s and t are the student's and the teacher's features after a trained linear embedding of
    each, scaled to length 1. j runs over example i and those of other labels.

    This is not the published estimator, which contrasts an example with 16384 embeddings of a
    memory of the whole training set: `contrast_memory` is. Here the negatives are the batch's
    (InfoNCE), and there is nothing to remember.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        embedding_size: Features of the embeddings.
        contrast_temperature: tau > 0, no unit.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is out of range.

    Public code:
        The weight 0.8 belongs to the memory's estimator with 16384 negatives; it has not been
        tuned for this one. The teacher's embedding is trained as well, there too.

    Example:
        >>> features, shapes = {"a": tf.eye(3)}, {"a": [None, 3]}
        >>> loss = InBatchContrast(taps=["a"], embedding_size=2)
        >>> loss.connect(shapes, shapes)
        >>> loss.per_example(features, features, tf.constant([0, 1, 1])).shape
        TensorShape([3])

    Reference:
        Tian, Krishnan, Isola, "Contrastive Representation Distillation", 2020; van
        den Oord, Li, Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018.
    """

    needs_labels = True
    relates_examples = True
    default_weight = 0.8
    default_weight_source = "RepDistiller, for its memory of negatives"

    def __init__(
        self,
        taps=("pooled",),
        teacher_taps=(),
        *,
        embedding_size=128,
        contrast_temperature=0.07,
        name=None,
    ):
        super().__init__(taps, teacher_taps, name=name)
        self.embedding_size = checks.whole_number("embedding_size", embedding_size, lowest=1)
        self.contrast_temperature = checks.above_zero("contrast_temperature", contrast_temperature)
        self.teacher_embeddings = {}

    def build_parts(self, teacher_shapes, student_shapes):
        """Check the shapes and make the two embeddings of each tap."""
        super().build_parts(teacher_shapes, student_shapes)
        for tap in self.taps:
            self.add_adapter(tap, self.embedding_size, _as_vector(student_shapes[tap]))
            embedding = keras.layers.Dense(
                self.embedding_size, dtype="float32", name=f"{tap.replace('/', '_')}_teacher"
            )
            embedding.build(_as_vector(teacher_shapes[tap]))
            self.teacher_embeddings[tap] = embedding

    def adapted(self, tap, student):
        """The student's features, embedded."""
        return super().adapted(tap, taps.average_pixels(student))

    def per_example(self, teacher, student, labels=None):
        """The two cross-entropies of each example in nats, shape (batch,)."""
        labels, values = base.class_numbers(labels), []
        for tap, target, source in self.tensors(teacher, student):
            target = relations.unit(self.teacher_embeddings[tap](taps.average_pixels(target)))
            products = tf.matmul(relations.unit(source), target, transpose_b=True)
            scores = products / self.contrast_temperature
            excluded = tf.logical_and(
                labels[:, None] == labels[None, :], relations.other_examples(scores)
            )
            scores = tf.where(excluded, _EXCLUDED, scores)
            for direction in (scores, tf.transpose(scores)):
                values.append(-tf.linalg.diag_part(tf.nn.log_softmax(direction)))
        return tf.add_n(values)


def _as_vector(shape):
    return [None, shape[-1]]
