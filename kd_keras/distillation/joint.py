"""Two networks that learn at the same time, each also from the other.

What one network learns from a teacher that stands still is in `distiller`.
"""

import keras
import tensorflow as tf

from kd_keras.distillation.batch import unpack_batch
from kd_keras.distillation.distiller import Distiller
from kd_keras.distillation.forward import synchronize_batch_normalization
from kd_keras.distillation.hits import hits
from kd_keras.distillation.saving import JointSaving
from kd_keras.distillation.updates import apply_gradients, scale_where_needed
from kd_keras.models import share_convolutions

__all__ = ["JointDistiller", "require_both_ways"]


def require_both_ways(matching):
    """Refuse losses that cannot go both ways: on inner layers they are fitted to one direction.

    Args:
        matching: `losses.DistillationLoss`es.

    Raises:
        ValueError: If one reads inner layers.
    """
    on_taps = [type(loss).__name__ for loss in matching if getattr(loss, "taps", ())]
    if on_taps:
        raise ValueError(
            f"{', '.join(on_taps)} compares inner layers, and is fitted to one direction. Expected "
            "losses on logits where both networks learn from each other, such as SoftTarget. On "
            "inner layers the student alone learns: --joint=rocket with its gradient block."
        )


@keras.saving.register_keras_serializable(package="kd_keras")
class JointDistiller(JointSaving, Distiller):
    """Trains a student and a second network, its peer, from scratch at the same time.

    They minimise, as means over the batch, each with its own regularisation losses besides,

        student: supervised_weight * CE(label, student) + sum_k weight_k * loss_k(peer, student)
        peer:    supervised_weight * CE(label, peer)
                     + sum_k weight_k * loss_k(student, peer), if `both_ways`

    where the other network's outputs are constants. Both are updated from the same outputs.

    Deep mutual learning is both ways with `SoftTarget(1.0)` of weight 1. Rocket launching is one
    way with `LogitRegression()` of weight 0.03: the hint reaches the student alone, which is its
    gradient block. Both ways, it is rocket launching without the block: the hint's gradients on
    the two networks are those of one shared term.

    Args:
        student: A functional model from images to logits.
        peer: Likewise, with as many classes.
        matching: Pairs of a `losses.DistillationLoss` and its weight.
        supervised_weight: Weight of the cross-entropy with the labels, in both networks.
        both_ways: Whether the peer learns from the student too.
        share: Convolutions in common, "none", "bottom" or "interval": see
            `models.share_convolutions`. The attribute `student` is then a model of its own, with
            the peer's kernels; they are updated once, by the sum of both gradients.
        track_gradient_shares: As of `Distiller`.
        name: Name of the model.

    Raises:
        ValueError: If the two cannot be compared or share no convolutions, or a loss on inner
            layers is to go both ways.

    Public code:
        The algorithm of mutual learning makes the first network's predictions anew before the
        second is updated; KD-Zoo updates both from the same ones, as here. In the code of rocket
        launching the gradient is blocked whatever its flag says where a further teacher is used;
        here the flag counts.

    Example:
        >>> from kd_keras import losses
        >>> image = keras.Input([4], name="image")
        >>> student, peer = (keras.Model(image, keras.layers.Dense(3)(image)) for _ in range(2))
        >>> distiller = JointDistiller(
        ...     student, peer, matching=[(losses.SoftTarget(1.0), 1.0)], both_ways=True
        ... )
        >>> distiller.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        >>> history = distiller.fit(tf.ones([8, 4]), tf.zeros([8], tf.int32), verbose=0)
        >>> sorted(name for name in history.history if name.startswith("peer"))
        ['peer_accuracy', 'peer_soft_target', 'peer_supervised']

    Reference:
        Zhang, Xiang, Hospedales, Lu, "Deep Mutual Learning", 2018; Zhou, Fan, Cui, Bian, Zhu, Gai,
        "Rocket Launching: A Universal and Efficient Framework for Training Well-performing Light
        Net", 2018.
    """

    _teacher_learns = True

    def __init__(
        self,
        student,
        peer,
        *,
        matching,
        supervised_weight=1.0,
        both_ways,
        share="none",
        track_gradient_shares=False,
        name="joint_distiller",
    ):
        if both_ways:
            require_both_ways(loss for loss, _ in matching)
        if share != "none":
            student = share_convolutions(student, peer, share)
        super().__init__(
            student,
            peer,
            matching=matching,
            supervised_weight=supervised_weight,
            track_gradient_shares=track_gradient_shares,
            name=name,
        )
        self.both_ways, self.share = both_ways, share
        # Behind the student: an optimiser that averages its weights relies on theirs coming first.
        self.peer = peer
        told = self.terms.names if both_ways else ("supervised",)
        self.tracking.add(*(f"peer_{name}" for name in told), "peer_accuracy")

    @property
    def teacher(self):
        """The peer."""
        return self._passes.teacher

    @property
    def peer_variables(self):
        """What the peer's optimiser trains: its weights but for those that are the student's."""
        shared = set(map(id, self.student.trainable_variables))
        return [v for v in self.peer.trainable_variables if id(v) not in shared]

    def list_optimizers(self):
        """The two networks' optimisers; part of the state of training."""
        return [self.optimizer, self.peer_optimizer]

    def compile(self, optimizer="sgd", peer_optimizer="sgd", **arguments):
        """Set the optimisers and how a step runs.

        Args:
            optimizer: The student's; of what is shared, too.
            peer_optimizer: The peer's.
            **arguments: Of `Distiller.compile`; the largest norm of a gradient is each network's.

        Raises:
            ValueError: As `Distiller.compile`; or if convolutions are shared in float16, where
                each network's loss has a scale of its own.
        """
        self.peer_optimizer = scale_where_needed(peer_optimizer, self.peer)
        if self.share != "none" and hasattr(self.peer_optimizer, "inner_optimizer"):
            raise ValueError(
                "Shared convolutions have the gradients of two losses, which float16 would scale "
                "by two numbers. Expected float32 or mixed_bfloat16. Received: float16."
            )
        super().compile(optimizer, **arguments)

    def _prepare(self):
        # Before the passes are made: one that is compiled is cut where replicas exchange.
        several = self.distribute_strategy.num_replicas_in_sync > 1
        synchronize_batch_normalization(self.peer, several)
        super()._prepare()
        with self.distribute_strategy.scope():
            self.peer_optimizer.build(self.peer_variables)

    def train_step(self, data):
        """Update both networks, from the same outputs; return the means so far."""
        batch = unpack_batch(data)
        _refuse_known_logits(batch)
        student, student_backwards = self._passes.student_pass.train(batch.image)
        peer, peer_backwards = self._passes.teacher_pass.train(batch.image)
        terms, output_gradients, own_gradients, shares = self._differentiate(
            _as_constants(peer), student, batch
        )
        peer_terms, peer_output_gradients = self._differentiate_peer(
            _as_constants(student), peer, batch
        )
        gradients, regularization = student_backwards(
            output_gradients, self.optimizer, self.student.trainable_variables
        )
        peer_gradients, _ = peer_backwards(
            peer_output_gradients, self.peer_optimizer, self.peer.trainable_variables
        )
        gradients, peer_gradients = self._add_shared(gradients, peer_gradients)
        apply_gradients(
            self.optimizer, gradients + own_gradients, self.student_variables, self.clip_norm
        )
        apply_gradients(self.peer_optimizer, peer_gradients, self.peer_variables, self.clip_norm)
        of_peer = {f"peer_{name}": value for name, value in peer_terms.items()}
        of_peer["peer_accuracy"] = hits(batch.labels, peer["logits"])
        self.tracking.step(terms, shares | of_peer, regularization, batch.sample_weight)
        return self._results(peer, student["logits"], batch)

    def _differentiate_peer(self, student, peer, batch):
        """The peer's terms per example, and the gradients of its objective on its outputs."""
        with tf.GradientTape() as tape:
            tape.watch(peer)
            if self.both_ways:
                terms = self.terms.per_example(student, peer, batch)
            else:
                terms = {"supervised": self.terms.supervised(batch.labels, peer["logits"])}
            contributions = self.terms.contributions(terms, batch.sample_weight)
            objective = self.peer_optimizer.scale_loss(tf.add_n(list(contributions.values())))
        return terms, tape.gradient(objective, peer)

    def _add_shared(self, gradients, peer_gradients):
        """The student's gradients with the peer's of what is shared, and the peer's other ones."""
        of_peer = {
            id(variable): gradient
            for variable, gradient in zip(
                self.peer.trainable_variables, peer_gradients, strict=True
            )
        }
        summed = [
            gradient + of_peer[id(variable)] if id(variable) in of_peer else gradient
            for variable, gradient in zip(self.student.trainable_variables, gradients, strict=True)
        ]
        return summed, [of_peer[id(variable)] for variable in self.peer_variables]


def _refuse_known_logits(batch):
    if batch.teacher_logits is not None:
        raise ValueError(
            "The batches carry teacher_logits, and the peer changes at every step. Expected "
            "batches without them. Received: teacher_logits."
        )


def _as_constants(outputs):
    return {name: tf.stop_gradient(value) for name, value in outputs.items()}
