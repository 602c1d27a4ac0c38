"""What a distiller keeps count of, in training and in evaluation."""

import keras
import tensorflow as tf

from kd_keras.distillation.adversary import VERDICTS
from kd_keras.distillation.hits import hits

__all__ = ["Tracking"]

_EVALUATED = ("loss", "supervised", "accuracy")


class Tracking(keras.layers.Layer):
    """Running means of every term, of the game, and of the student's predictions.

    Args:
        terms: The distiller's `Terms`.
        regularization: Whether the student has losses of its own.
        gradient_shares: Whether each term's share of the gradient is tracked.
    """

    def __init__(self, terms, *, regularization, gradient_shares):
        super().__init__(name="tracking", dtype="float32")
        names = [*_EVALUATED, *terms.names]
        names += ["agreement"] if terms.compare_logits else []
        names += VERDICTS if terms.adversary is not None else []
        names += ["regularization"] if regularization else []
        names += [f"gradient_share_{name}" for name in terms.names] if gradient_shares else []
        self._terms = (terms,)  # in a tuple, so that Keras does not track it a second time
        self.means = {name: keras.metrics.Mean(name=name) for name in dict.fromkeys(names)}
        self.built = True

    def add(self, *names):
        """Track further means of training, which then come with every step."""
        for name in names:
            self.means[name] = keras.metrics.Mean(name=name)

    def step(self, values, more, regularization, sample_weight):
        """Count a training step.

        Args:
            values: Every term by name, per example.
            more: Further values by name, per example or scalar.
            regularization: The student's own losses, a scalar.
            sample_weight: Shape (batch,), or None.
        """
        weights = self._terms[0].hyperparameters
        total = tf.add_n([weights[name].value * value for name, value in values.items()])
        self.means["loss"].update_state(total + regularization, sample_weight)
        if "regularization" in self.means:
            self.means["regularization"].update_state(regularization)
        for name, value in (values | more).items():
            weight = sample_weight if value.shape.rank else None
            self.means[name].update_state(value, weight)

    def evaluation(self, cross_entropy, sample_weight):
        """Count a batch of evaluation, from its cross-entropy per example."""
        for name in ("loss", "supervised"):
            self.means[name].update_state(cross_entropy, sample_weight)

    def predictions(self, teacher, student_logits, batch):
        """Count how often the student is right, and of the teacher's opinion.

        Args:
            teacher: Dict with the teacher's `logits`, or None.
            student_logits: Shape (batch, classes).
            batch: The `Batch`.
        """
        right = hits(batch.labels, student_logits)
        self.means["accuracy"].update_state(right, batch.sample_weight)
        if teacher is not None and "agreement" in self.means:
            expected = tf.argmax(teacher["logits"], axis=-1, output_type=tf.int32)
            agreed = hits(expected, student_logits)
            self.means["agreement"].update_state(agreed, batch.sample_weight)

    def without_training(self, results):
        """Leave out what evaluation does not count."""
        trained_only = set(self.means) - set(_EVALUATED)
        return {name: value for name, value in results.items() if name not in trained_only}
