"""What every distillation loss has in common.

The contract, its configuration and the check of the two logits live here. The losses themselves
are one file each beside this one; their weights in a sum belong to the trainer.
"""

import inspect

import keras
import tensorflow as tf

from kd_keras import registry

__all__ = [
    "DistillationLoss",
    "class_numbers",
    "comparable_logits",
    "constructor_arguments",
    "known_reduction",
    "reduce_over_classes",
]

_REDUCTIONS = {"mean": tf.reduce_mean, "sum": tf.reduce_sum}


@keras.saving.register_keras_serializable(package="kd_keras")
class DistillationLoss(keras.layers.Layer, keras.distillation.DistillationLoss):
    """Base class of the distillation losses: one value per example.

    A subclass writes `per_example` and, where it has arguments, an `__init__` that gives each a
    default and keeps it as an attribute of the same name; its configuration follows from that.
    It is a layer so that a loss may own trainable parts, such as a regressor, which Keras then
    tracks with it. Give those parts dtype="float32": a loss computes in float32 under every
    dtype policy.

    It is also a `keras.distillation.DistillationLoss`, so that it trains inside the stock
    `keras.distillation.Distiller`.

    Class attributes to override:
        taps: Names of the student's layers that it reads. Empty: it reads logits. With taps, the
            `teacher` and the `student` of `per_example` are dictionaries from these names to
            tensors.
        teacher_taps: Names of the teacher's layers beside them, in the same order. Empty: the
            same names.
        teachers: Names of the members of a mean of several teachers, where it compares with each
            of them: the teacher's dictionary then has, for each, `"member/tap"`. Empty: there is
            one teacher.
        needs_labels: Whether `per_example` needs `labels`.
        needs_examples: Whether it is given `examples` by that name, the numbers of the images in
            the training set, shape (batch,), and its method `set_examples` the set's labels.
        relates_examples: Whether an example's value depends on the others of the batch, which
            on several replicas is the replica's own.
        scheduled: Names of the constructor's arguments that may change during training. Their
            current value comes to `per_example` as a keyword, a scalar tensor.
        default_weight: The published weight in the student's objective.
        default_weight_source: Where that is from, in a few words.

    Args:
        name: Name of the layer; made from the class by default.

    Example:
        >>> @keras.saving.register_keras_serializable(package="example")
        ... class SquaredDistance(DistillationLoss):
        ...     def per_example(self, teacher, student, labels=None):
        ...         teacher, student = comparable_logits(teacher, student)
        ...         return tf.reduce_sum(tf.square(teacher - student), axis=-1)
        >>> SquaredDistance().per_example(tf.ones([2, 3]), tf.zeros([2, 3])).numpy()
        array([3., 3.], dtype=float32)
    """

    taps = ()
    teacher_taps = ()
    teachers = ()
    needs_labels = False
    needs_examples = False
    relates_examples = False
    scheduled = ()
    default_weight = 1.0
    default_weight_source = "none is published"

    def __init__(self, *, name=None):
        super().__init__(name=name, dtype="float32")
        self._shapes = None
        # Inside the stock Distiller an unbuilt layer makes Keras warn about state to come. A loss
        # on taps comes to its parts in `connect`, and Keras restores only what is not built.
        self.built = not self.taps

    def connect(self, teacher_shapes, student_shapes):
        """Fit the loss to two networks: check their shapes and make its parts, once.

        Args:
            teacher_shapes: Shapes by the names in `taps`, with None for the batch, and that of
                `logits`.
            student_shapes: As `teacher_shapes`.

        Raises:
            ValueError: If the loss cannot compare these shapes, or was fitted to others.
        """
        shapes = {"teacher": _plain(teacher_shapes), "student": _plain(student_shapes)}
        if self._shapes is None:
            self.build_parts(shapes["teacher"], shapes["student"])
            self._shapes = shapes
            self.built = True
        elif self._shapes != shapes:
            raise ValueError(
                f"{self.name} belongs to other networks. Expected the shapes {self._shapes}. "
                f"Received: {shapes}. Make a new loss for them."
            )

    def build_parts(self, teacher_shapes, student_shapes):
        """Make the trainable parts, where a loss has any; called by `connect`, once."""

    def get_build_config(self):
        """The shapes that the loss was fitted to, for saving; None before that."""
        return self._shapes

    def build_from_config(self, config):
        """Make the parts again, so that their saved weights find them."""
        self.connect(config["teacher"], config["student"])

    def per_example(self, teacher, student, labels=None, **scheduled):
        """The loss of each example, without any reduction over them.

        Args:
            teacher: Logits, shape (batch, classes), or a dictionary of taps. A constant: no
                gradient may flow into it.
            student: As `teacher`.
            labels: Class numbers, shape (batch,); None where the loss does not need them.
            **scheduled: Current values of the arguments named in the class's `scheduled`,
                scalar tensors. Without one, the attribute of that name counts.

        Returns:
            Shape (batch,), float32.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not say what its loss is. Write its method "
            "per_example(self, teacher, student, labels=None, **scheduled), which returns one "
            "float32 value per example, shape (batch,)."
        )

    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        """The mean of `per_example`, as the stock `keras.distillation.Distiller` takes it.

        The sum is divided by the batch of all replicas together, because optimisers add up the
        replicas' gradients.

        Args:
            teacher_outputs: The `teacher` of `per_example`.
            student_outputs: The `student` of `per_example`.
            **kwargs: Passed on to `per_example`.

        Returns:
            Scalar, float32.
        """
        return tf.nn.compute_average_loss(
            self.per_example(teacher_outputs, student_outputs, **kwargs)
        )

    def get_config(self):
        """The constructor's arguments, from which `from_config` builds an equal loss."""
        return constructor_arguments(self)


def _plain(shapes):
    return {name: list(shape) for name, shape in shapes.items()}


def constructor_arguments(instance):
    """Read an object's constructor arguments back from its attributes of the same names.

    Args:
        instance: An object whose class keeps each argument as an attribute.

    Returns:
        Dictionary from argument to value, in the order of the signature.

    Example:
        >>> class Slope:
        ...     def __init__(self, rise=1, *, run=2):
        ...         self.rise, self.run = rise, run
        >>> constructor_arguments(Slope(rise=3))
        {'rise': 3, 'run': 2}
    """
    return {name: getattr(instance, name) for name in inspect.signature(type(instance)).parameters}


def class_numbers(labels):
    """Check that labels are class numbers, and make them int32.

    Args:
        labels: Integers, shape (batch,) or (batch, 1).

    Returns:
        Shape (batch,), int32.

    Raises:
        ValueError: If they are missing, not integers or of another shape.

    Example:
        >>> class_numbers([[2], [0]]).numpy()
        array([2, 0], dtype=int32)
    """
    if labels is None:
        raise ValueError("Labels are missing. Expected integers of shape (batch,). Received: None.")
    labels = tf.convert_to_tensor(labels)
    if labels.shape.rank == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape.rank != 1 or not labels.dtype.is_integer:
        raise ValueError(
            "Invalid labels. Expected integers of shape (batch,), one class number an image. "
            f"Received: {labels.dtype.name} of shape {tuple(labels.shape)}. "
            "One-hot labels become class numbers by tf.argmax(labels, axis=-1)."
        )
    return tf.cast(labels, tf.int32)


def comparable_logits(teacher_logits, student_logits):
    """Check that two sets of logits can be compared, and make them float32.

    Args:
        teacher_logits: Shape (batch, classes), any real dtype.
        student_logits: Shape (batch, classes), any real dtype.

    Returns:
        The teacher's logits as a constant and the student's, both float32.

    Raises:
        ValueError: If the shapes are not (batch, classes) or differ.

    Example:
        >>> teacher, student = comparable_logits([[1, 2]], tf.ones([1, 2], tf.float16))
        >>> teacher.dtype, student.dtype
        (tf.float32, tf.float32)
    """
    teacher_logits = tf.convert_to_tensor(teacher_logits)
    student_logits = tf.convert_to_tensor(student_logits)
    teacher_shape, student_shape = teacher_logits.shape, student_logits.shape
    if teacher_shape.rank != 2 or student_shape.rank != 2:
        raise ValueError(
            "Expected logits of shape (batch, classes). "
            f"Received: teacher {teacher_shape}, student {student_shape}."
        )
    for axis, noun in enumerate(("examples", "classes")):
        teacher_size, student_size = teacher_shape[axis], student_shape[axis]
        if None not in (teacher_size, student_size) and teacher_size != student_size:
            raise ValueError(
                f"Teacher and student disagree on the number of {noun}. "
                f"Received: teacher {teacher_size}, student {student_size}."
            )
    teacher_logits = tf.stop_gradient(tf.cast(teacher_logits, tf.float32))
    return teacher_logits, tf.cast(student_logits, tf.float32)


def known_reduction(reduction):
    """Return the name of a reduction over the classes, or refuse it.

    Args:
        reduction: "sum" or "mean".

    Returns:
        The same.

    Raises:
        ValueError: If there is no such reduction.
    """
    if reduction not in _REDUCTIONS:
        raise registry.unknown_name("reduction", _REDUCTIONS, reduction)
    return reduction


def reduce_over_classes(values, reduction):
    """Reduce values per class to one value per example.

    Args:
        values: Shape (batch, classes).
        reduction: "sum" or "mean".

    Returns:
        Shape (batch,).

    Example:
        >>> reduce_over_classes(tf.constant([[1.0, 3.0]]), "mean").numpy()
        array([2.], dtype=float32)
    """
    return _REDUCTIONS[reduction](values, axis=-1)
