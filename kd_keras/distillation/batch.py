"""What a training step is given: the batch's parts by name, and checks of models and shapes."""

import dataclasses

import keras
import tensorflow as tf

from kd_keras.losses.base import class_numbers
from kd_keras.models import to_logits

__all__ = ["Batch", "check_models", "require_same_classes", "unpack_batch"]


@dataclasses.dataclass(frozen=True)
class Batch:
    """The parts of one batch.

    Attributes:
        image: Shape (batch, height, width, channels).
        labels: Shape (batch,), int32.
        teacher_logits: Shape (batch, classes), or None.
        sample_weight: Shape (batch,), or None.
        examples: Numbers of the images in the training set, shape (batch,), or None.
    """

    image: tf.Tensor
    labels: tf.Tensor
    teacher_logits: tf.Tensor | None = None
    sample_weight: tf.Tensor | None = None
    examples: tf.Tensor | None = None


def unpack_batch(data):
    """Name the parts of what `fit` and `evaluate` hand to a step.

    Args:
        data: `(x, labels)` or `(x, labels, sample_weight)`; x an image tensor, or a dict with
            `image` and optionally `teacher_logits` and `examples`.

    Returns:
        A `Batch`.

    Raises:
        ValueError: If the labels or the image are missing, or the labels are not integers of
            shape (batch,).

    Example:
        >>> unpack_batch((tf.zeros([2, 4]), tf.constant([0, 1]))).labels.numpy().tolist()
        [0, 1]
    """
    x, labels, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    x = x if isinstance(x, dict) else {"image": x}
    unknown = sorted(set(x) - {"image", "teacher_logits", "examples"})
    if "image" not in x or unknown:
        raise ValueError(
            "Unexpected batch. Expected an image, or a dict with image and optionally "
            "teacher_logits and examples. Received: a dict with "
            f"{', '.join(sorted(x)) or 'nothing'}."
        )
    if labels is None:
        raise ValueError("Unexpected batch. Expected (x, labels). Received: x alone.")
    if sample_weight is not None:
        sample_weight = tf.reshape(tf.cast(sample_weight, tf.float32), [-1])
    return Batch(
        x["image"],
        class_numbers(labels),
        x.get("teacher_logits"),
        sample_weight,
        x.get("examples"),
    )


def check_models(teacher, student):
    """Refuse models that give probabilities instead of logits.

    Args:
        teacher: A model, or None.
        student: A model.

    Raises:
        ValueError: If a model ends in a softmax.
    """
    for role, model in (("teacher", teacher), ("student", student)):
        if getattr(model, "outputs", None):
            _require_logits(role, model)


def require_same_classes(teacher, student):
    """Refuse a teacher whose logits cannot be compared with the student's.

    Args:
        teacher: A model, or None.
        student: A model.

    Raises:
        ValueError: If the numbers of classes are known and differ.
    """
    models = [model for model in (teacher, student) if getattr(model, "outputs", None)]
    classes = [model.output_shape[-1] for model in models]
    if len(classes) == 2 and None not in classes and classes[0] != classes[1]:
        raise ValueError(
            "Teacher and student disagree on the number of classes. "
            f"Received: teacher {classes[0]}, student {classes[1]}."
        )


def _require_logits(role, model):
    if to_logits(model) is not model:
        raise ValueError(
            f"The {role} gives probabilities. Expected logits. Received: {model.name}, which ends "
            f"in a softmax. Pass kd_keras.models.to_logits({role}) instead."
        )
