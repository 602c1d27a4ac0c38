"""The named terms of the student's objective, and the scalars that may change in training."""

import math
import re

import keras
import tensorflow as tf

from kd_keras import losses
from kd_keras.distillation.taps import adversary_pairs, student_layers, teacher_layers

__all__ = ["Terms", "average"]


def average(per_example, sample_weight=None):
    """Sum of a replica's values divided by its size times the number of replicas.

    Optimisers add up what the replicas give them, so that this is the mean over the whole batch
    where it is shared equally among them, and the mean of their means otherwise.

    Example:
        >>> float(average(tf.constant([1.0, 3.0])))
        2.0
    """
    return tf.nn.compute_average_loss(per_example, sample_weight=sample_weight)


class Terms(keras.layers.Layer):
    """What the student is trained on: the supervised, the matching and the adversarial terms.

    Args:
        matching: Pairs of a `losses.DistillationLoss` and its weight.
        supervised_weight: Weight of the cross-entropy with the labels. Where it is 0 the term
            is still computed, because it is watched.
        adversary: An `Adversary`, or None.
        adversarial_weight: Weight of its term.

    Raises:
        TypeError: If a loss is not a `DistillationLoss`.
        ValueError: If a weight is negative or not finite.
    """

    def __init__(self, matching, *, supervised_weight, adversary, adversarial_weight):
        super().__init__(name="terms", dtype="float32")
        for loss, _ in matching:
            if not isinstance(loss, losses.DistillationLoss):
                raise TypeError(
                    "Unexpected loss. Expected a kd_keras.losses.DistillationLoss, for example "
                    f"kd_keras.losses.SoftTarget(). Received: {type(loss).__name__}."
                )
        self.matching = _name_losses([loss for loss, _ in matching])
        self.adversary = adversary
        initial = {"supervised": supervised_weight}
        initial.update(zip(self.matching, (weight for _, weight in matching), strict=True))
        if adversary is not None:
            initial["adversarial"] = adversarial_weight
        for name, weight in initial.items():
            if not 0 <= weight < math.inf:
                raise ValueError(
                    f"Invalid weight of {name}. Expected 0 or more. Received: {weight}."
                )
        self.names = tuple(initial)
        for name, loss in self.matching.items():
            for argument in loss.scheduled:
                initial[f"{name}.{argument}"] = getattr(loss, argument)
        self.hyperparameters = {
            name: self.add_weight(
                shape=(),
                initializer=keras.initializers.Constant(float(value)),
                trainable=False,
                name=name.replace(".", "_"),
            )
            for name, value in initial.items()
        }
        self.built = True

    @property
    def need_teacher(self):
        """Whether any term looks at the teacher's logits or taps."""
        return bool(self.matching) or self.adversary is not None

    @property
    def compare_logits(self):
        """Whether any term compares the logits of the two, class by class."""
        on_logits = any(not loss.taps for loss in self.matching.values())
        return on_logits or (self.adversary is not None and not self.adversary.tap)

    @property
    def need_examples(self):
        """Whether any loss needs the numbers of the images in the training set."""
        return any(loss.needs_examples for loss in self.matching.values())

    @property
    def teacher_taps(self):
        """Names of the teacher's layers that the losses read."""
        read = [x for loss in self.matching.values() for x in teacher_layers(loss).values()]
        read += [teacher for teacher, _ in adversary_pairs(self.adversary)]
        real = self.adversary.teachers if self.adversary is not None else ()
        return tuple(dict.fromkeys([*read, *real]))

    @property
    def student_taps(self):
        """Names of the student's layers that the losses read."""
        read = [x for loss in self.matching.values() for x in student_layers(loss).values()]
        read += [student for _, student in adversary_pairs(self.adversary)]
        return tuple(dict.fromkeys(read))

    @property
    def matching_variables(self):
        """Trainable variables that belong to the losses: adapters, regressors."""
        return [v for loss in self.matching.values() for v in loss.trainable_variables]

    def start(self, *, xla):
        """Prepare the functions of one step; called when the distiller is compiled."""
        if self.adversary is not None:
            self.adversary.start(xla=xla)

    def supervised(self, labels, student_logits):
        """Cross-entropy with the labels, L_S, in nats, per example."""
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, student_logits)

    def per_example(self, teacher, student, batch):
        """Every term, unweighted.

        Args:
            teacher: Dict of the teacher's `logits` and taps; None where no term needs it.
            student: Dict of the student's `logits` and taps.
            batch: The `Batch`.

        Returns:
            Dict from the term's name to its values, shape (batch,), float32.
        """
        values = {"supervised": self.supervised(batch.labels, student["logits"])}
        for name, loss in self.matching.items():
            pair = _read_by(loss, teacher, student)
            scheduled = {
                argument: self.hyperparameters[f"{name}.{argument}"].value
                for argument in loss.scheduled
            }
            labels = batch.labels if loss.needs_labels else None
            more = {"examples": _examples_of(batch, name)} if loss.needs_examples else {}
            values[name] = loss.per_example(*pair, labels, **scheduled, **more)
        if self.adversary is not None:
            values["adversarial"] = self.adversary.student_loss(
                *self.shown(teacher, student),
                batch.labels,
                batch.image,
                self.reals(teacher),
            )
        return values

    def shown(self, teacher, student):
        """What the adversary is shown of the two networks' outputs."""
        adversary = self.adversary
        return (
            adversary.shown(teacher, adversary.teacher_tap or adversary.tap),
            adversary.shown(student, adversary.tap),
        )

    def reals(self, teacher):
        """The logits of each of several teachers, where the adversary is shown them."""
        return [teacher[name] for name in self.adversary.teachers]

    def contributions(self, values, sample_weight=None):
        """The weighted means that add up to the student's objective, by the term's name."""
        return {
            name: self.hyperparameters[name].value * average(value, sample_weight)
            for name, value in values.items()
        }


def _examples_of(batch, name):
    if batch.examples is None:
        raise ValueError(
            f"{name} needs to know which images a batch holds. Expected batches with examples, "
            "the images' numbers in the training set: see data.with_examples. Received: none."
        )
    return batch.examples


def _read_by(loss, teacher, student):
    if not loss.taps:
        return teacher["logits"], student["logits"]
    return (
        {name: teacher[layer] for name, layer in teacher_layers(loss).items()},
        {name: student[layer] for name, layer in student_layers(loss).items()},
    )


def _name_losses(given):
    named = {}
    for loss in given:
        base = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(loss).__name__).lower()
        count = sum(name == base or name.startswith(f"{base}_#") for name in named)
        named[f"{base}_#{count + 1}" if count else base] = loss
    return {name.replace("#", ""): loss for name, loss in named.items()}
