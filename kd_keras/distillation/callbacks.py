"""What may happen between the epochs of a distillation."""

import sys

import keras

__all__ = ["DiscriminatorMonitor", "Schedule"]


class Schedule(keras.callbacks.Callback):
    """Sets hyperparameters at the start of every epoch; nothing is traced again.

    Args:
        values: By name of a hyperparameter of the distiller, such as `"logit_l1"` or
            `"soft_target.temperature"`: a function from the epoch, counted from 0, to its value.

    Raises:
        ValueError: At the start of training, if the distiller has no such hyperparameter.

    Example:
        >>> from kd_keras import distillation
        >>> fade = distillation.Schedule({"soft_target": lambda epoch: 4.0 * 0.9**epoch})
    """

    def __init__(self, values):
        super().__init__()
        self._values = values

    def on_train_begin(self, logs=None):
        """Look the names up."""
        unknown = sorted(set(self._values) - set(self.model.hyperparameters))
        if unknown:
            raise ValueError(
                f"Unknown hyperparameter. Expected some of "
                f"{', '.join(sorted(self.model.hyperparameters))}. Received: {', '.join(unknown)}."
            )

    def on_epoch_begin(self, epoch, logs=None):
        """Assign the epoch's values."""
        for name, value in self._values.items():
            self.model.hyperparameters[name].assign(value(epoch))


class DiscriminatorMonitor(keras.callbacks.Callback):
    """Warns when the discriminator stops being an opponent.

    It wins outright when it tells teacher from student nearly always: the saturating loss then
    gives the student no gradient. It has collapsed when it says the same of all, or no more than
    a coin would, from the first epochs on, and so teaches nothing.

    Args:
        patience: Epochs in a row before a warning is given, once.
        win: Rate of right verdicts, on teacher and student each, that counts as winning.
        margin: Distance from 1/2 of the mean rate that counts as no better than a coin.
        report: Function that is given the sentence; prints to standard error by default.
    """

    def __init__(self, patience=3, *, win=0.98, margin=0.01, report=None):
        super().__init__()
        self._patience = patience
        self._win = win
        self._margin = margin
        self._report = report or (lambda text: print(f"  warning: {text}", file=sys.stderr))
        self._states = []
        self._reported = set()

    def on_epoch_end(self, epoch, logs=None):
        """Look at the epoch's verdicts."""
        if not logs or "discriminator_teacher_accuracy" not in logs:
            return
        teacher = logs["discriminator_teacher_accuracy"]
        student = logs["discriminator_student_accuracy"]
        self._states.append(self._judge(teacher, student))
        recent = self._states[-self._patience :]
        state = recent[-1]
        if state and recent == [state] * self._patience and state not in self._reported:
            self._reported.add(state)
            self._report(
                f"the discriminator has {state} for {self._patience} epochs: it is right on "
                f"{100 * teacher:.0f}% of the teacher's and {100 * student:.0f}% of the student's "
                f"logits. {_ADVICE[state]}"
            )

    def _judge(self, teacher, student):
        if min(teacher, student) >= self._win:
            return "won outright"
        if abs((teacher + student) / 2 - 0.5) <= self._margin:
            return "told nothing apart"
        return None


_ADVICE = {
    "won outright": (
        "The learned loss gives little gradient then: lower --discriminator_learning_rate or "
        "--discriminator_depth, or try --game=non_saturating."
    ),
    "told nothing apart": (
        "The learned loss then teaches labels alone: raise --discriminator_learning_rate, unless "
        "the student has become the teacher's equal."
    ),
}
