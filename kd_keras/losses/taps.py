"""What the losses on taps, the outputs of inner layers, have in common.

Which layers are compared, the check of their shapes, the adapters and the common size of maps
live here; the distances themselves are one file each beside this one.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from kd_keras.losses import base

__all__ = ["TapLoss", "average_pixels", "average_pool", "flatten", "same_size"]


class TapLoss(base.DistillationLoss):
    """Base class of the losses that compare inner layers of the two networks.

    A subclass writes `compare(teacher, student)`, the distance of one pair of taps per example;
    the loss is the sum over the pairs. One that relates taps to each other writes `per_example`
    instead, from `self.tensors(teacher, student)`.

    Class attributes to override:
        reads_maps: Whether a tap must be a map, (batch, height, width, channels); otherwise it
            has any shape, (batch, ..., channels).
        adapts_channels: Whether a pair with other numbers of channels is given an adapter, a
            linear layer on the student's channels that is trained along. The losses for which
            the numbers need not agree leave it.
        equalizes_sizes: Whether two maps of different size are brought to one first, see
            `same_size`.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's, in the same order; empty: the same names.
        name: Name of the layer.

    Raises:
        ValueError: If there is no tap, one comes twice, or the two lists differ in length; in
            `connect`, if the loss cannot compare layers of these shapes.
    """

    taps = ("group1", "group2", "group3")
    reads_maps = False
    adapts_channels = False
    equalizes_sizes = False

    def __init__(self, taps, teacher_taps=(), *, name=None):
        super().__init__(name=name)
        if isinstance(taps, str) or not taps or len(set(taps)) != len(taps):
            raise ValueError(
                "Invalid value for taps. Expected a list of names of layers, each once. "
                f"Received: {taps}."
            )
        if teacher_taps and len(teacher_taps) != len(taps):
            raise ValueError(
                f"Invalid value for teacher_taps. Expected {len(taps)} names, as many as taps, or "
                f"none. Received: {', '.join(teacher_taps)}."
            )
        self.taps = tuple(taps)
        self.teacher_taps = tuple(teacher_taps)
        self.adapters = {}

    def build_parts(self, teacher_shapes, student_shapes):
        """Check the shapes and make the adapters."""
        for tap in self.taps:
            self._check_shapes(tap, teacher_shapes[tap], student_shapes[tap])
            if self.adapts_channels:
                self._adapt(tap, teacher_shapes[tap], student_shapes[tap])

    def _check_shapes(self, tap, teacher_shape, student_shape):
        for role, shape in (("teacher", teacher_shape), ("student", student_shape)):
            known = None not in list(shape)[1:]
            if self.reads_maps and len(shape) != 4:
                raise ValueError(
                    f"{type(self).__name__} compares maps, shape (batch, height, width, "
                    f"channels). Received: {tap} of the {role} of shape {tuple(shape)}. Set its "
                    "taps to layers with such an output, for example group1, group2, group3."
                )
            if not known or len(shape) < 2:
                raise ValueError(
                    f"{type(self).__name__} needs layers of a known shape, (batch, ..., "
                    f"channels). Received: {tap} of the {role} of shape {tuple(shape)}. Give the "
                    "network an input of a fixed size."
                )
        if len(teacher_shape) != len(student_shape):
            raise ValueError(
                f"Teacher and student disagree on the shape of {tap}. Expected two maps or two "
                f"vectors. Received: teacher {tuple(teacher_shape)}, student "
                f"{tuple(student_shape)}. Set taps and teacher_taps."
            )
        places = [list(shape)[1:-1] for shape in (teacher_shape, student_shape)]
        if self.equalizes_sizes and len(teacher_shape) != 4 and places[0] != places[1]:
            raise ValueError(
                f"{type(self).__name__} compares {tap} place by place. Expected layers of one "
                "size, because only maps, shape (batch, height, width, channels), are brought to "
                f"one. Received: teacher {tuple(teacher_shape)}, student {tuple(student_shape)}. "
                "Set taps and teacher_taps."
            )

    def _adapt(self, tap, teacher_shape, student_shape):
        if teacher_shape[-1] != student_shape[-1]:
            self.add_adapter(tap, teacher_shape[-1], student_shape, use_bias=False)

    def add_adapter(self, tap, units, student_shape, **arguments):
        """Make a trained layer on the channels of the student's tap; on maps a 1x1 convolution.

        Args:
            tap: The tap's name.
            units: Channels that come out.
            student_shape: Shape of the student's tap.
            **arguments: Of `keras.layers.Dense`.
        """
        adapter = keras.layers.Dense(
            units, dtype="float32", name=f"{tap.replace('/', '_')}_adapter", **arguments
        )
        adapter.build(student_shape)
        self.adapters[tap] = adapter

    def adapted(self, tap, student):
        """The student's tap after its adapter, where it has one."""
        return self.adapters[tap](student) if tap in self.adapters else student

    def tensors(self, teacher, student):
        """The taps as float32, the teacher's as constants, of one size, the student's adapted.

        Args:
            teacher: Tensors by the names in `taps`.
            student: Likewise.

        Returns:
            List of (name, teacher's tensor, student's tensor).
        """
        triples = []
        for tap in self.taps:
            constant = tf.stop_gradient(tf.cast(teacher[tap], tf.float32))
            trained = tf.cast(student[tap], tf.float32)
            self._check_shapes(tap, constant.shape, trained.shape)
            if self.equalizes_sizes:
                constant, trained = same_size(constant, trained)
            triples.append((tap, constant, self.adapted(tap, trained)))
        return triples

    def per_example(self, teacher, student, labels=None):
        """The sum over the pairs of taps of their distance, shape (batch,)."""
        return tf.add_n([self.compare(t, s) for _, t, s in self.tensors(teacher, student)])

    def compare(self, teacher, student):
        """The distance of one pair of taps.

        Args:
            teacher: float32, shape (batch, ..., channels). A constant.
            student: float32, likewise, after its adapter.

        Returns:
            Shape (batch,), float32.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not say what it compares. Write its method "
            "compare(self, teacher, student), which returns one float32 value per example, "
            "shape (batch,)."
        )


def flatten(tensor):
    """Give every example one vector.

    Args:
        tensor: Shape (batch, ...), known but for the batch.

    Returns:
        Shape (batch, features).

    Example:
        >>> flatten(tf.zeros([2, 3, 4])).shape
        TensorShape([2, 12])
    """
    return tf.reshape(tensor, [-1, math.prod(tensor.shape[1:])])


def average_pixels(tensor):
    """The mean over everything between the batch and the channels.

    Args:
        tensor: Shape (batch, ..., channels).

    Returns:
        Shape (batch, channels).

    Example:
        >>> average_pixels(tf.ones([2, 3, 3, 4])).shape
        TensorShape([2, 4])
    """
    between = list(range(1, tensor.shape.rank - 1))
    return tf.reduce_mean(tensor, axis=between) if between else tensor


def same_size(teacher, student):
    """Bring two maps to one height and width: the larger is averaged down to the smaller.

    Args:
        teacher: Shape (batch, height, width, channels).
        student: Likewise. The channels may differ.

    Returns:
        The two maps; vectors, shape (batch, channels), come back as they are.

    Example:
        >>> teacher, student = same_size(tf.ones([1, 8, 8, 3]), tf.ones([1, 5, 5, 2]))
        >>> teacher.shape, student.shape
        (TensorShape([1, 5, 5, 3]), TensorShape([1, 5, 5, 2]))
    """
    if teacher.shape.rank != 4:
        return teacher, student
    height = min(teacher.shape[1], student.shape[1])
    width = min(teacher.shape[2], student.shape[2])
    return average_pool(teacher, height, width), average_pool(student, height, width)


def average_pool(maps, height, width):
    """Average a map down to a size that need not divide its own.

    Row i of the result is the mean of the rows from floor(i H / h) up to, not including,
    ceil((i + 1) H / h), and the columns likewise, as PyTorch's `adaptive_avg_pool2d` has it.

    Args:
        maps: Shape (batch, H, W, channels).
        height: h in pixels, at most H.
        width: w in pixels, at most W.

    Returns:
        Shape (batch, h, w, channels).

    Example:
        >>> average_pool(tf.reshape([1.0, 2.0, 3.0, 6.0], [1, 2, 2, 1]), 1, 2).numpy().ravel()
        array([2., 4.], dtype=float32)
    """
    if maps.shape[1] != height:
        maps = tf.einsum("ih,bhwc->biwc", _averaging(maps.shape[1], height), maps)
    if maps.shape[2] != width:
        maps = tf.einsum("jw,bhwc->bhjc", _averaging(maps.shape[2], width), maps)
    return maps


def _averaging(size, smaller):
    matrix = np.zeros([smaller, size], np.float32)
    for row in range(smaller):
        window = slice(row * size // smaller, -(-(row + 1) * size // smaller))
        matrix[row, window] = 1.0
    return tf.constant(matrix / matrix.sum(axis=1, keepdims=True))
