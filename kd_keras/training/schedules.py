"""The learning rate over the epochs."""

import math

import keras

from kd_keras import registry

__all__ = ["EpochSchedule"]

KINDS = ("constant", "cosine", "step")


@keras.saving.register_keras_serializable(package="kd_keras")
class EpochSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate told in epochs and followed in steps.

    With s the steps made so far, S the steps of an epoch, E the epochs and W those of warm-up:

        step:      rate * factor^(number of drops d with s >= (d - 1) * S)
        cosine:    rate * (1 + cos(pi * (s - W S) / (E S - W S))) / 2
        constant:  rate

    and in the first W epochs that, times (s + 1) / (W S), with the cosine at its start. A drop
    at epoch 80 means that the 80th epoch, counted from 1, is the first at the lower rate.

    Args:
        learning_rate: The rate to start from, above 0.
        kind: `"step"`, `"cosine"` or `"constant"`.
        epochs: E.
        steps_per_epoch: S.
        drops: Epochs from 1, ascending; None for 40% and 80% of the epochs, as the paper's 80
            and 160 of 200, and not before the second.
        drop_factor: Factor at each drop.
        warmup_epochs: W, a linear rise from 0; 0 for none.

    Raises:
        ValueError: If the kind is unknown or a number is out of range.

    Example:
        >>> schedule = EpochSchedule(0.1, "step", epochs=10, steps_per_epoch=5, drops=(4,))
        >>> round(float(schedule(14)), 6), round(float(schedule(15)), 6)
        (0.1, 0.01)
    """

    def __init__(
        self,
        learning_rate,
        kind="step",
        *,
        epochs,
        steps_per_epoch,
        drops=None,
        drop_factor=0.1,
        warmup_epochs=0,
    ):
        if kind not in KINDS:
            raise registry.unknown_name("schedule", KINDS, kind)
        if min(learning_rate, epochs, steps_per_epoch, drop_factor) <= 0 or warmup_epochs < 0:
            raise ValueError(
                "Invalid schedule. Expected learning_rate, epochs, steps_per_epoch and "
                "drop_factor above 0 and warmup_epochs of 0 or more. Received: "
                f"{learning_rate}, {epochs}, {steps_per_epoch}, {drop_factor}, {warmup_epochs}."
            )
        self.learning_rate = learning_rate
        self.kind = kind
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        if drops is None:
            drops = sorted({max(2, round(0.4 * epochs)), max(2, round(0.8 * epochs))})
        self.drops = tuple(drops)
        if list(self.drops) != sorted(set(self.drops)) or min(self.drops, default=1) < 1:
            raise ValueError(
                "Invalid value for drops. Expected epochs from 1 on, in ascending order. "
                f"Received: {self.drops}."
            )
        self.drop_factor = drop_factor
        self.warmup_epochs = warmup_epochs

    def __call__(self, step):
        """The learning rate after `step` updates, a float32 scalar."""
        step = keras.ops.cast(step, "float32")
        rate = keras.ops.cast(self.learning_rate, "float32")
        warmup_steps = float(self.warmup_epochs * self.steps_per_epoch)
        if self.kind == "step":
            for drop in self.drops:
                begun = step >= float((drop - 1) * self.steps_per_epoch)
                rate = rate * keras.ops.where(begun, self.drop_factor, 1.0)
        elif self.kind == "cosine":
            rest = max(1.0, self.epochs * self.steps_per_epoch - warmup_steps)
            position = keras.ops.clip((step - warmup_steps) / rest, 0.0, 1.0)
            rate = rate * 0.5 * (1.0 + keras.ops.cos(math.pi * position))
        if warmup_steps:
            rate = rate * keras.ops.minimum((step + 1.0) / warmup_steps, 1.0)
        return rate

    def get_config(self):
        """The constructor's arguments."""
        return {
            "learning_rate": self.learning_rate,
            "kind": self.kind,
            "epochs": self.epochs,
            "steps_per_epoch": self.steps_per_epoch,
            "drops": self.drops,
            "drop_factor": self.drop_factor,
            "warmup_epochs": self.warmup_epochs,
        }
