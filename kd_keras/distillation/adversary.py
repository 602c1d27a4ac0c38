"""The discriminator's side of the game: what it sees, what it minimises, how it is tracked.

The discriminator's network is in `kd_keras.models`, the game in `kd_keras.losses.games`. Here the
two are put together; when the parts are called is the distiller's affair.
"""

import keras
import tensorflow as tf

from kd_keras import losses, registry
from kd_keras.distillation.forward import make_forward
from kd_keras.distillation.hits import hits
from kd_keras.distillation.slopes import Slopes
from kd_keras.distillation.taps import require_no_clash
from kd_keras.losses import checks
from kd_keras.losses.taps import average_pixels

__all__ = ["Adversary"]

BATCH_STATISTICS = ("joint", "separate")
VERDICTS = (
    "discriminator_loss",
    "discriminator_teacher_accuracy",
    "discriminator_student_accuracy",
    "discriminator_teacher_class_accuracy",
    "discriminator_student_class_accuracy",
)


@keras.saving.register_keras_serializable(package="kd_keras")
class Adversary(keras.layers.Layer):
    """A discriminator, the game it plays against the student, and the choices left open.

    The discriminator minimises

        L = (g_D + label_weight * (CE(label, D(teacher)) + CE(label, D(student)))) / 2

    and the student's adversarial term is

        (g_S + label_weight * CE(label, D(student))) / 2

    where g_D and g_S are the game's two sides. With the minimax game, g_D = -L_A and
    g_S = log P(Fake | D(student)), which are the paper's equations (5) and (7). Of several
    teachers the discriminator's teacher terms are the mean.

    Args:
        discriminator: A model as `models.get("discriminator", ...)` makes it: from `logits` and
            an optional condition to `real_score` and `class_logits`.
        game: A `losses.games.Game` or its name.
        label_weight: Factor of the label part in both objectives; 0 is the plain game.
        batch_statistics: `"separate"`: teacher and student logits go through the discriminator
            one after the other, each normalised with its own statistics; `"joint"`: together,
            in one batch.
        frozen_in_student_update: Whether the discriminator is in inference mode (no dropout,
            moving statistics) while the student is updated.
        look_ahead: Whether the discriminator learns to tell the student that is expected after
            another update like its last one: see `look_ahead.LookAhead`.
        teachers: Names of the teacher's layers whose outputs are logits, each of which is Real,
            such as the members of `models.mean_of`; empty: the teacher's logits are.
        tap: Name of the student's layer whose output, averaged over the pixels, the discriminator
            is shown in the place of logits (adversarial network compression); empty: logits.
        teacher_tap: Name of the teacher's layer beside it; empty: the same.
        seed: Of the random points at which a game's gradient penalty is taken.
        name: Name of the layer.

    Raises:
        ValueError: If `batch_statistics` or the game is unknown, the weight is negative, a
            `teacher_tap` has no tap beside it, or a tap is set with what is of logits:
            `look_ahead`, `teachers` or the condition `teacher_logits`.

    Example:
        >>> from kd_keras import models
        >>> adversary = Adversary(models.get("discriminator", num_classes=3))
        >>> logits, labels = tf.zeros([4, 3]), tf.zeros([4], tf.int32)
        >>> adversary.start(xla=False)
        >>> loss, verdict = adversary.discriminator_loss(logits, logits, labels)
        >>> loss.shape.as_list()
        [4]

    Reference:
        Xu, Hsu, Huang, "Training Shallow and Thin Networks for Acceleration via Knowledge
        Distillation with Conditional Adversarial Networks", 2017, section 3.3. Of inner features:
        Belagiannis, Farshad, Galasso, "Adversarial Network Compression", 2018.
    """

    def __init__(
        self,
        discriminator,
        game="minimax",
        *,
        label_weight=1.0,
        batch_statistics="separate",
        frozen_in_student_update=False,
        look_ahead=False,
        teachers=(),
        tap="",
        teacher_tap="",
        seed=0,
        name="adversary",
    ):
        super().__init__(name=name, dtype="float32")
        if batch_statistics not in BATCH_STATISTICS:
            raise registry.unknown_name("batch_statistics", BATCH_STATISTICS, batch_statistics)
        require_no_clash(discriminator, tap, teacher_tap, teachers, look_ahead)
        self.discriminator = discriminator
        self.game = losses.games.get(game) if isinstance(game, str) else game
        self.label_weight = float(checks.not_negative("label_weight", label_weight))
        self.batch_statistics = batch_statistics
        self.frozen_in_student_update = frozen_in_student_update
        self.look_ahead = look_ahead
        self.teachers = tuple(teachers)
        self.tap, self.teacher_tap = tap, teacher_tap
        self.seed = seed
        self.slopes = Slopes(seed) if self.game.penalty_weight else None
        self.built = True

    @property
    def num_features(self):
        """How many features the discriminator takes: classes, or channels of the taps."""
        (shown,) = (tensor for tensor in self.discriminator.inputs if tensor.name == "logits")
        return shown.shape[-1]

    @property
    def regularization(self):
        """The sum of its weights' regularisers, a replica's share of it; 0 where it has none."""
        of_weights = [v.regularizer(v.value) for v in self.trainable_variables if v.regularizer]
        return tf.nn.scale_regularization_loss(tf.add_n([tf.zeros([]), *of_weights]))

    def start(self, *, xla):
        """Prepare the forward pass; called when the distiller is compiled."""
        self._forward = make_forward(self.discriminator, xla=xla)

    def shown(self, outputs, tap):
        """What the discriminator sees of a network's outputs, by name: logits, or a layer's."""
        return average_pixels(outputs[tap]) if tap else outputs["logits"]

    def discriminator_loss(self, teacher_logits, student_logits, labels, image=None, reals=()):
        """What the discriminator minimises, per example.

        Args:
            teacher_logits: Shape (batch, classes).
            student_logits: Shape (batch, classes). A constant here.
            labels: Shape (batch,), integers.
            image: The batch's images, for a discriminator that is conditioned on them.
            reals: Logits of each of several teachers; empty: `teacher_logits` alone is Real.

        Returns:
            The loss, shape (batch,), in nats for the probabilistic games, and a dict of what
            the discriminator said: `discriminator_loss` (un-halved, as the paper plots it) and
            the rates at which it was right, each of shape (batch,).
        """
        student_logits = tf.stop_gradient(student_logits)
        reals = reals or [teacher_logits]
        conditions = self._conditions(teacher_logits, labels, image)
        *teachers, student = self._see_all([*reals, student_logits], conditions, True)
        unhalved = _mean(
            self.game.discriminator_per_example(teacher["real_score"], student["real_score"])
            + self.label_weight * _cross_entropy(labels, teacher["class_logits"])
            for teacher in teachers
        )
        unhalved += self.label_weight * _cross_entropy(labels, student["class_logits"])
        if self.slopes is not None:
            unhalved += self._penalty(reals, student_logits, conditions)
        classes = [hits(labels, teacher["class_logits"]) for teacher in teachers]
        of_teachers, of_student = zip(
            *(self._origin(teacher["real_score"], student["real_score"]) for teacher in teachers),
            strict=True,
        )
        verdict = {
            "discriminator_loss": unhalved,
            "discriminator_teacher_accuracy": _mean(of_teachers),
            "discriminator_student_accuracy": _mean(of_student),
            "discriminator_teacher_class_accuracy": _mean(classes),
            "discriminator_student_class_accuracy": hits(labels, student["class_logits"]),
        }
        return 0.5 * unhalved, verdict

    def _origin(self, teacher_score, student_score):
        """Where it is right about the origin, of a teacher's logits and of the student's."""
        boundary = self.game.boundary(teacher_score, student_score)
        return _rate(teacher_score > boundary), _rate(student_score < boundary)

    def _penalty(self, reals, student_logits, conditions):
        def score(logits):
            return self._see(logits, conditions, False)["real_score"]

        return _mean(
            self.game.penalty_per_example(self.slopes.norms(score, real, student_logits))
            for real in reals
        )

    def student_loss(self, teacher_logits, student_logits, labels, image=None, reals=()):
        """The student's adversarial term, to be minimised, per example.

        The terms of L_GAN that do not depend on the student are left out.

        Args:
            teacher_logits: Shape (batch, classes). A constant.
            student_logits: Shape (batch, classes).
            labels: Shape (batch,), integers.
            image: The batch's images, for a discriminator that is conditioned on them.
            reals: Logits of each of several teachers; empty: `teacher_logits` alone is Real.

        Returns:
            Shape (batch,), float32.
        """
        training = not self.frozen_in_student_update
        teacher_logits, *reals = map(tf.stop_gradient, [teacher_logits, *reals])
        conditions = self._conditions(teacher_logits, labels, image)
        if self.batch_statistics == "joint":
            together = [*(reals or [teacher_logits]), student_logits]
            *_, student = self._see_all(together, conditions, training)
        else:
            student = self._see(student_logits, conditions, training)
        label_part = _cross_entropy(labels, student["class_logits"])
        return 0.5 * (
            self.game.student_per_example(student["real_score"]) + self.label_weight * label_part
        )

    def clip_weights(self):
        """Clamp kernels and biases after an update, where the game asks for it.

        Batch normalisation is left alone: its scale has nothing to do with the Lipschitz
        constant that the clamp is for.
        """
        limit = self.game.weight_clip
        if limit is None:
            return
        clipped = [
            variable.value
            for layer in self.discriminator.layers
            if not isinstance(layer, keras.layers.BatchNormalization)
            for variable in layer.trainable_variables
        ]

        def clip(strategy):
            for variable in clipped:
                strategy.extended.update(
                    variable, lambda v: v.assign(tf.clip_by_value(v, -limit, limit)), group=False
                )

        tf.distribute.get_replica_context().merge_call(clip)

    def _conditions(self, teacher_logits, labels, image):
        known = {"label": labels, "image": image, "teacher_logits": teacher_logits}
        names = [tensor.name for tensor in self.discriminator.inputs]
        return {name: known[name] for name in names if name in known}

    def _see(self, logits, conditions, training):
        outputs, _ = self._forward({"logits": logits, **conditions}, training=training)
        return outputs

    def _see_all(self, logits, conditions, training):
        """What is said of each of several sets of logits."""
        if self.batch_statistics == "separate":
            return [self._see(each, conditions, training) for each in logits]
        count = len(logits)
        repeated = {name: tf.concat([v] * count, axis=0) for name, v in conditions.items()}
        outputs = self._see(tf.concat(logits, axis=0), repeated, training)
        parts = {name: tf.split(value, count) for name, value in outputs.items()}
        return [{name: part[i] for name, part in parts.items()} for i in range(count)]

    def get_config(self):
        """The constructor's arguments, for saving."""
        return {
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "game": keras.saving.serialize_keras_object(self.game),
            "label_weight": self.label_weight,
            "batch_statistics": self.batch_statistics,
            "frozen_in_student_update": self.frozen_in_student_update,
            "look_ahead": self.look_ahead,
            "teachers": self.teachers,
            "tap": self.tap,
            "teacher_tap": self.teacher_tap,
            "seed": self.seed,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        config = dict(config)
        for key in ("discriminator", "game"):
            config[key] = keras.saving.deserialize_keras_object(config[key])
        return cls(**config)


def _cross_entropy(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _mean(values):
    values = list(values)
    return tf.add_n(values) / len(values)


def _rate(condition):
    return tf.cast(condition, tf.float32)
