"""What may happen between the epochs of a distillation."""

import sys

import keras

from kd_keras import schedules

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

    @classmethod
    def through(cls, points, distiller):
        """The schedule through points in time; before the first, a value is as it is now.

        Args:
            points: By name of a hyperparameter, as `kd_keras.schedules.read_schedule` gives them.
            distiller: The `Distiller`, as it was made.

        Returns:
            A `Schedule`.

        Raises:
            ValueError: If the distiller has no such hyperparameter.
        """
        _require_known(points, distiller)
        before = {name: float(distiller.hyperparameters[name]) for name in points}

        def follow(name):
            return lambda epoch: schedules.value_at(points[name], epoch + 1, before[name])

        return cls({name: follow(name) for name in points})

    def on_train_begin(self, logs=None):
        """Look the names up."""
        _require_known(self._values, self.model)

    def on_epoch_begin(self, epoch, logs=None):
        """Assign the epoch's values."""
        for name, value in self._values.items():
            self.model.hyperparameters[name].assign(value(epoch))


def _require_known(names, distiller):
    unknown = sorted(set(names) - set(distiller.hyperparameters))
    if unknown:
        raise ValueError(
            f"Unknown hyperparameter. Expected some of "
            f"{', '.join(sorted(distiller.hyperparameters))}. Received: {', '.join(unknown)}."
        )


class DiscriminatorMonitor(keras.callbacks.Callback):
    """Warns when the discriminator stops being an opponent.

    It wins outright when it tells teacher from student nearly always: the saturating loss then
    gives the student no gradient. It has collapsed when it says the same of all logits, or knows
    neither their origin nor their class better than a guess. That it cannot tell the origin
    alone is no fault: it is what the game ends in, and what the paper's curve shows.

    Args:
        num_classes: Number of classes, for the chance level.
        learns_classes: Whether it is trained to tell the class; else not knowing it is no fault.
        patience: Epochs in a row before a warning is given, once for each fault.
        win: Rate of right verdicts, on teacher and student each, that counts as winning.
        report: Function that is given the sentence; prints to standard error by default.

    Example:
        >>> monitor = DiscriminatorMonitor(10, patience=1, report=print)
        >>> monitor.on_epoch_end(
        ...     0,
        ...     {
        ...         "discriminator_teacher_accuracy": 1.0,
        ...         "discriminator_student_accuracy": 1.0,
        ...         "discriminator_teacher_class_accuracy": 0.9,
        ...     },
        ... )
        the discriminator has won outright for 1 epoch: it is right on 100% of the teacher's and \
100% of the student's logits. The learned loss gives little gradient then: lower \
--discriminator_learning_rate or --discriminator_depth, or try --game=non_saturating.
    """

    def __init__(self, num_classes, patience=3, *, learns_classes=True, win=0.98, report=None):
        super().__init__()
        self._guessed_class_rate = 1.5 / num_classes if learns_classes else 0.0
        self._patience = patience
        self._win = win
        self._report = report or (lambda text: print(f"  warning: {text}", file=sys.stderr))
        self._states = []
        self._reported = set()

    def on_epoch_end(self, epoch, logs=None):
        """Look at the epoch's verdicts."""
        if not logs or "discriminator_teacher_accuracy" not in logs:
            return
        teacher = logs["discriminator_teacher_accuracy"]
        student = logs["discriminator_student_accuracy"]
        state = self._judge(teacher, student, logs["discriminator_teacher_class_accuracy"])
        self._states = [*self._states, state][-self._patience :]
        if state and self._states == [state] * self._patience and state not in self._reported:
            self._reported.add(state)
            epochs = f"{self._patience} epoch" + ("s" if self._patience > 1 else "")
            self._report(
                f"the discriminator has {state} for {epochs}: it is right on "
                f"{100 * teacher:.0f}% of the teacher's and {100 * student:.0f}% of the student's "
                f"logits. {_ADVICE[state]}"
            )

    def _judge(self, teacher, student, class_rate):
        low, high = sorted((teacher, student))
        if low >= self._win:
            return _WON
        same_of_all = high >= self._win and low <= 1 - self._win
        guesses = abs(low + high - 1) <= _MARGIN and class_rate <= self._guessed_class_rate
        return _COLLAPSED if same_of_all or guesses else None


_MARGIN = 0.02
_WON = "won outright"
_COLLAPSED = "collapsed"
_ADVICE = {
    _WON: (
        "The learned loss gives little gradient then: lower --discriminator_learning_rate or "
        "--discriminator_depth, or try --game=non_saturating."
    ),
    _COLLAPSED: (
        "The learned loss teaches nothing then: change --discriminator_learning_rate, or lower "
        "--discriminator_depth."
    ),
}
