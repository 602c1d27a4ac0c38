"""The model that trains: a student on labels, a teacher's signal and a learned loss.

The order of one step is also how `train_step` reads: the student's forward pass, the
discriminator's update, the student's terms against the updated discriminator, the student's
update, what is tracked. Where images and teacher logits come from is not known here.
"""

import keras
import tensorflow as tf

from kd_keras.distillation.batch import check_models, require_same_classes, unpack_batch
from kd_keras.distillation.forward import synchronize_batch_normalization
from kd_keras.distillation.look_ahead import LookAhead
from kd_keras.distillation.micro_batches import run_in_parts
from kd_keras.distillation.passes import Passes
from kd_keras.distillation.saving import Saving
from kd_keras.distillation.taps import connect_losses, require_features
from kd_keras.distillation.terms import Terms, average
from kd_keras.distillation.tracking import Tracking
from kd_keras.distillation.updates import apply_gradients, gradient_shares, scale_where_needed
from kd_keras.models import active_random_states

__all__ = ["Distiller"]


@keras.saving.register_keras_serializable(package="kd_keras")
class Distiller(Saving, keras.Model):
    """Trains a student; the teacher is asked, never trained, and never saved with it.

    The student minimises, as means over the batch,

        supervised_weight * CE(label, student) + sum_k weight_k * loss_k(teacher, student)
            + adversarial_weight * adversary(student) + regularisation losses of the student

    With weight 1 on all three and the logit L1 distance this is equation (7) of the paper; with
    weights 1/2 and 1, `SoftTarget` and no adversary it is equation (4); without matching and
    adversary it is plain supervised training.

    Batches are `(x, labels)` or `(x, labels, sample_weight)`, labels integers of shape (batch,).
    x is an image tensor, or a dict with `image` and, where the teacher's logits are known
    already, `teacher_logits`; otherwise the teacher runs on the image, once per training step.

    Args:
        student: A functional model from images to logits.
        teacher: A model from images to logits, with as many classes where logits are compared; a
            functional one where a loss reads taps. Not needed where batches carry
            `teacher_logits` and no loss reads taps. It is left as it is: its `trainable` is not
            touched. The attribute `teacher` may be set later.
        matching: Pairs of a `losses.DistillationLoss` and its weight.
        supervised_weight: Weight of the cross-entropy with the labels.
        adversary: A `distillation.Adversary`, or None.
        adversarial_weight: Weight of the student's adversarial term.
        track_gradient_shares: Also report each term's share of the gradient with respect to
            the student's logits.
        name: Name of the model.

    Attributes:
        hyperparameters: Scalar variables by name: the weight of each term (`supervised`,
            `logit_l1`, `adversarial`) and what the losses let change (`soft_target.temperature`).
            Assign to them, or use the callback `distillation.Schedule`; nothing is traced again.

    Raises:
        ValueError: If teacher and student cannot be compared, or one of them ends in a softmax.
        TypeError: If a loss is not a `DistillationLoss`.

    Example:
        >>> from kd_keras import losses
        >>> image = keras.Input([4], name="image")
        >>> teacher = keras.Model(image, keras.layers.Dense(3)(image))
        >>> student = keras.Model(image, keras.layers.Dense(3)(image))
        >>> distiller = Distiller(student, teacher, matching=[(losses.SoftTarget(), 1.0)])
        >>> distiller.compile(keras.optimizers.SGD(0.1))
        >>> history = distiller.fit(tf.ones([8, 4]), tf.zeros([8], tf.int32), verbose=0)
        >>> sorted(history.history)
        ['accuracy', 'agreement', 'loss', 'soft_target', 'supervised']

    Reference:
        Xu, Hsu, Huang, "Training Shallow and Thin Networks for Acceleration via Knowledge
        Distillation with Conditional Adversarial Networks", 2017, section 3.3.
    """

    _teacher_learns = False

    def __init__(
        self,
        student,
        teacher=None,
        *,
        matching=(),
        supervised_weight=1.0,
        adversary=None,
        adversarial_weight=1.0,
        track_gradient_shares=False,
        name="distiller",
    ):
        super().__init__(name=name)
        check_models(teacher, student)
        # Keras lists variables in the order of these attributes, and an optimiser that averages
        # the student's weights relies on theirs coming first.
        self.student = student
        self.terms = Terms(
            matching,
            supervised_weight=supervised_weight,
            adversary=adversary,
            adversarial_weight=adversarial_weight,
        )
        self.look_ahead = LookAhead(student) if adversary and adversary.look_ahead else None
        self.track_gradient_shares = track_gradient_shares
        self._evaluates = False
        self._passes = Passes(teacher)
        self._fit_losses()
        self.tracking = Tracking(
            self.terms,
            regularization=bool(student.losses),
            gradient_shares=track_gradient_shares,
        )
        self.built = True

    def _fit_losses(self):
        if self.terms.compare_logits:
            require_same_classes(self.teacher, self.student)
        connect_losses(self.terms.matching, self.teacher, self.student)
        require_features(self.adversary, self.teacher, self.student)

    @property
    def teacher(self):
        """The teacher, which is neither tracked nor saved; None where there is none."""
        return self._passes.teacher

    def __dir__(self):
        # Keras saves every model among the attributes that `dir` lists, properties too.
        return [name for name in super().__dir__() if name != "teacher"]

    @teacher.setter
    def teacher(self, teacher):
        check_models(teacher, self.student)
        self._passes = Passes(teacher)
        self._fit_losses()
        if self.compiled:
            self._prepare()

    @property
    def random_state_variables(self):
        """States of the generators of a teacher whose dropout is active; none by default.

        They change while the teacher is asked, and it is not tracked: who saves the state of
        training saves them too.
        """
        return active_random_states(self.teacher)

    @property
    def adversary(self):
        """The `Adversary`, or None."""
        return self.terms.adversary

    @property
    def hyperparameters(self):
        """Scalar variables by name; see the class."""
        return self.terms.hyperparameters

    @property
    def student_variables(self):
        """What the student's optimiser trains: the student's weights, then the losses' own."""
        return self.student.trainable_variables + self.terms.matching_variables

    def list_optimizers(self):
        """The optimisers in use; part of the state of training."""
        return [self.optimizer, *([self.discriminator_optimizer] if self.adversary else [])]

    def compile(
        self,
        optimizer="sgd",
        discriminator_optimizer=None,
        *,
        xla=False,
        clip_norm=None,
        micro_batches=1,
        checkpoint_gradients=False,
        **arguments,
    ):
        """Set the optimisers and how a step runs.

        Args:
            optimizer: The student's.
            discriminator_optimizer: The discriminator's, where there is an adversary.
            xla: Compile the forward and backward passes with XLA; the optimisers' updates stay
                outside, so that it works on several replicas too.
            clip_norm: Largest norm of the student's whole gradient, taken over all replicas.
            micro_batches: Parts of a batch that teacher and student are run on one after the
                other, to save memory. Terms and discriminator see the whole batch, and each
                optimiser makes one update of it, as without; batch normalisation in the student
                takes its statistics over a part. It costs a second forward pass of the student, and
                a larger graph: it saves memory where batches are large.
            checkpoint_gradients: Save memory by computing the student's activations a second
                time on the way back: see `recomputing.make_recomputed`.
            **arguments: Of `keras.Model.compile`: `metrics`, `weighted_metrics`, `run_eagerly`,
                `steps_per_execution`.

        Raises:
            ValueError: If there is an adversary and no optimiser for it, or the other way round;
                if there is less than one part, or gradient checkpointing cannot be done here.
        """
        if (self.adversary is None) != (discriminator_optimizer is None):
            raise ValueError(
                "Invalid value for discriminator_optimizer. Expected an optimiser where there is "
                f"an adversary, and none where there is none. Received: {discriminator_optimizer}."
            )
        if micro_batches < 1:
            raise ValueError(
                f"Invalid value for micro_batches. Expected 1 or more. Received: {micro_batches}."
            )
        optimizer = scale_where_needed(optimizer, self.student)
        super().compile(optimizer=optimizer, jit_compile=False, auto_scale_loss=False, **arguments)
        self.discriminator_optimizer = discriminator_optimizer and keras.optimizers.get(
            discriminator_optimizer
        )
        self.xla, self.clip_norm = xla, clip_norm
        self.micro_batches, self.checkpoint_gradients = micro_batches, checkpoint_gradients
        self._prepare()

    def _prepare(self):
        with self.distribute_strategy.scope():
            self.optimizer.build(self.student_variables)
            if self.adversary:
                self.discriminator_optimizer.build(self.adversary.trainable_variables)
        several = self.distribute_strategy.num_replicas_in_sync > 1
        synchronize_batch_normalization(self.student, several)
        if self.adversary:
            synchronize_batch_normalization(self.adversary.discriminator, several)
        xla = self.xla and not self.run_eagerly
        self._passes.prepare(
            self.student,
            self.terms,
            teacher_learns=self._teacher_learns,
            micro_batches=self.micro_batches,
            xla=xla,
            checkpoint_gradients=self.checkpoint_gradients,
        )
        self.terms.start(xla=xla)

    def call(self, inputs, training=None):
        """The student's logits. `inputs` is an image tensor or a dict with `image`."""
        image = inputs["image"] if isinstance(inputs, dict) else inputs
        return self.student(image, training=training)

    def train_step(self, data):
        """Update the discriminator, then the student; return the means so far."""
        batch = unpack_batch(data)
        teacher = self._passes.hear_teacher(batch, self.terms)
        student, run_backwards = self._passes.student_pass.train(batch.image)
        verdict = self._update_discriminator(teacher, student, batch)
        terms, output_gradients, own_gradients, more = self._differentiate(teacher, student, batch)
        gradients, regularization = run_backwards(
            output_gradients, self.optimizer, self.student.trainable_variables
        )
        if self.look_ahead:
            self.look_ahead.remember()
        apply_gradients(
            self.optimizer, gradients + own_gradients, self.student_variables, self.clip_norm
        )
        self.tracking.step(terms, verdict | more, regularization, batch.sample_weight)
        return self._results(teacher, student["logits"], batch)

    def _differentiate(self, teacher, student, batch):
        """What the terms come to.

        Returns:
            The terms per example, the gradients of the objective on the student's outputs and on
            the losses' own variables, and each term's share where that is tracked.
        """
        with tf.GradientTape(persistent=self.track_gradient_shares) as tape:
            tape.watch(student)
            terms = self.terms.per_example(teacher, student, batch)
            contributions = self.terms.contributions(terms, batch.sample_weight)
            objective = self.optimizer.scale_loss(tf.add_n(list(contributions.values())))
        own = self.terms.matching_variables
        output_gradients, own_gradients = tape.gradient(objective, [student, own])
        shares = {}
        if self.track_gradient_shares:
            shares = gradient_shares(tape, contributions, student["logits"])
        return terms, output_gradients, own_gradients, shares

    def test_step(self, data):
        """The student's cross-entropy and metrics. The teacher is not asked, nothing moves."""
        batch = unpack_batch(data)
        logits = self._passes.evaluation_pass.ask(batch.image)["logits"]
        cross_entropy = self.terms.supervised(batch.labels, logits)
        self.tracking.evaluation(cross_entropy, batch.sample_weight)
        return self.tracking.without_training(self._results(None, logits, batch))

    def _results(self, teacher, student_logits, batch):
        self.tracking.predictions(teacher, student_logits, batch)
        return self.compute_metrics(batch.image, batch.labels, student_logits, batch.sample_weight)

    def evaluate(self, *arguments, **named_arguments):
        """As `keras.Model.evaluate`: the student's loss and metrics, by the same arguments."""
        self._evaluates = True
        try:
            return super().evaluate(*arguments, **named_arguments)
        finally:
            self._evaluates = False

    def get_metrics_result(self):
        """The metrics so far; in evaluation those of training are left out."""
        results = super().get_metrics_result()
        # Keras takes the means over all replicas only where a step returns all of these.
        return self.tracking.without_training(results) if self._evaluates else results

    def _update_discriminator(self, teacher, student, batch):
        if self.adversary is None:
            return {}
        real, fake = self.terms.shown(teacher, student)
        if self.look_ahead:
            fake = run_in_parts(self.look_ahead.logits, batch.image, self.micro_batches)
        variables = self.adversary.trainable_variables
        with tf.GradientTape() as tape:
            per_example, verdict = self.adversary.discriminator_loss(
                real, fake, batch.labels, batch.image, self.terms.reals(teacher)
            )
            loss = average(per_example, batch.sample_weight) + self.adversary.regularization
        self.discriminator_optimizer.apply(tape.gradient(loss, variables), variables)
        self.adversary.clip_weights()
        return verdict
