"""The flow of the solution procedure: how a network's layers go together."""

import itertools

import keras
import tensorflow as tf

from kd_keras.losses import taps

__all__ = ["SolutionFlow"]


@keras.saving.register_keras_serializable(package="kd_keras")
class SolutionFlow(taps.TapLoss):
    """The flow of the solution procedure (FSP): products of the channels of two layers.

    sum_pairs mean_ij (G_teacher - G_student)_ij^2, G = F1^T F2 / (height width), for each pair of
    neighbouring taps F1, F2, whose rows are pixels and whose columns are channels.

    The matrices have one element for each pair of channels, so that teacher and student must have
    the same numbers of them; where they differ, the student's layer goes through a trained linear
    adapter. Where the two layers of a pair differ in size, the larger is averaged down.

    Args:
        taps: Names of the student's layers in their order, two or more maps.
        teacher_taps: Names of the teacher's; empty: the same.
        adapter: Whether a student's layer with other channels is adapted; otherwise it is refused.
        name: Name of the layer.

    Raises:
        ValueError: If there is one tap only, one is not a map, or the channels differ and there
            is no adapter.

    Public code:
        The paper takes the squared norm, averaged over the data, and trains in two stages: this
        loss alone, then the labels alone, so that no weight between them is published. The
        weight 50 of RepDistiller's script has no effect. Its code averages over the matrix, as
        here; others sum. Without an adapter no two networks of different width can be compared.

    Example:
        >>> teacher = {"a": tf.ones([1, 4, 4, 2]), "b": tf.ones([1, 2, 2, 3])}
        >>> student = {"a": tf.ones([1, 4, 4, 2]), "b": tf.zeros([1, 2, 2, 3])}
        >>> SolutionFlow(taps=["a", "b"]).per_example(teacher, student).numpy()
        array([1.], dtype=float32)

    Reference:
        Yim, Joo, Bae, Kim, "A Gift from Knowledge Distillation", 2017.
    """

    reads_maps = True
    default_weight = 1.0
    default_weight_source = "the paper, where it is a stage of its own"

    def __init__(
        self,
        taps=("stem", "group1", "group2", "group3"),
        teacher_taps=(),
        *,
        adapter=True,
        name=None,
    ):
        super().__init__(taps, teacher_taps, name=name)
        if len(self.taps) < 2:
            raise ValueError(
                "Invalid value for taps. Expected two layers or more, which make pairs. "
                f"Received: {', '.join(self.taps)}."
            )
        self.adapter = bool(adapter)
        self.adapts_channels = self.adapter

    def _check_shapes(self, tap, teacher_shape, student_shape):
        super()._check_shapes(tap, teacher_shape, student_shape)
        if teacher_shape[-1] != student_shape[-1] and not self.adapter:
            raise ValueError(
                f"Teacher and student disagree on the channels of {tap}. Received: teacher "
                f"{teacher_shape[-1]}, student {student_shape[-1]}. Set adapter to true, or take "
                "a student of the teacher's width."
            )

    def per_example(self, teacher, student, labels=None):
        """The sum over neighbouring taps, shape (batch,)."""
        triples = self.tensors(teacher, student)
        distances = []
        for (_, teacher_1, student_1), (_, teacher_2, student_2) in itertools.pairwise(triples):
            difference = _flow(teacher_1, teacher_2) - _flow(student_1, student_2)
            distances.append(tf.reduce_mean(tf.square(difference), axis=(1, 2)))
        return tf.add_n(distances)


def _flow(first, second):
    first, second = taps.same_size(first, second)
    pixels = first.shape[1] * first.shape[2]
    return tf.einsum("bhwi,bhwj->bij", first, second) / pixels
