"""Who proposes the next candidate: keras-tuner's oracles, and one of our own in `pareto_oracle`.

keras-tuner's are taken as they are, but for hyperband's brackets. What they get here is what a
search of hours needs: candidates that break a limit are turned away without counting as trials, and
the state survives a process that is killed at any moment.
"""

import warnings

import keras_tuner
from keras_tuner import oracles as keras_tuner_oracles

from kd_keras import files, registry
from kd_keras.search.hyperband_oracle import HyperbandOracle
from kd_keras.search.pareto_oracle import ParetoOracle
from kd_keras.search.space import count

__all__ = ["ERROR", "LATENCY", "make_oracle", "make_space", "name_trial"]

ERROR = "validation_error_percent"
LATENCY = "latency_milliseconds"

_UNLIMITED = 10**9
_MOST_COLLISIONS = 1000  # with what was tried, after which a space is taken to be exhausted
_MOST_REFUSED = 200  # in a row, after which the limits leave nothing to find


def make_space(axes):
    """Axes as keras-tuner has them.

    Args:
        axes: `Axis`es.

    Returns:
        A `keras_tuner.HyperParameters`, each with the name of its axis: two of one name, under
        different conditions, take each other's values away there.

    Example:
        >>> from kd_keras.search import parse_all
        >>> make_space(parse_all(["student.depth=10,16"])).space[0].values
        [10, 16]
    """
    space = keras_tuner.HyperParameters()
    names = {axis.field: axis.name for axis in axes}
    for axis in axes:
        condition = {}
        if axis.parent:
            parents = list(axis.parent_choices)
            condition = {"parent_name": names[axis.parent], "parent_values": parents}
        if axis.kind == "choice":
            space.Choice(axis.name, list(axis.choices), **condition)
            continue
        add = space.Int if axis.kind == "integer" else space.Float
        sampling = "log" if axis.logarithmic else "linear"
        add(axis.name, axis.low, axis.high, step=axis.step, sampling=sampling, **condition)
    return space


def name_trial(trial_id):
    """The name of a trial, from keras-tuner's number."""
    return f"{int(trial_id):04d}"


class _Enduring:
    """What is put before an oracle: limits, and a state that is whole on the disk at any moment.

    Args:
        trials: How many are run at the most.
        refuse: Function from a trial's name and values to why it is turned away, or "".
        **arguments: Of the oracle.

    Attributes:
        refused: The numbers of the trials that were turned away.
    """

    def __init__(self, *, trials, refuse, **arguments):
        super().__init__(max_consecutive_failed_trials=_UNLIMITED, **arguments)
        self.refused = []
        self._refuse = refuse
        self._trials = trials
        self.max_trials = trials
        self.verbose = 0
        self._max_collisions = _MOST_COLLISIONS

    @keras_tuner.synchronized
    def create_trial(self, tuner_id):
        """The next trial, one within the limits."""
        for _ in range(_MOST_REFUSED):
            trial = super().create_trial(tuner_id)
            reason = ""
            if trial.status == "RUNNING":
                reason = self._refuse(name_trial(trial.trial_id), trial.hyperparameters.values)
            if not reason:
                return trial
            self.refused.append(trial.trial_id)
            self.max_trials = self._trials + len(self.refused)
            trial.status, trial.message = "FAILED", reason
            self.end_trial(trial)
        self.tuner_ids.discard(tuner_id)
        trial.status = "STOPPED"
        return trial

    @keras_tuner.synchronized
    def end_trial(self, trial):
        """Take a result; the values stay those that were proposed.

        From a worker they come back in single precision, and are none of the choices any more.
        """
        trial.hyperparameters = self.trials[trial.trial_id].hyperparameters
        super().end_trial(trial)
        self.save()  # keras-tuner has saved before it took the trial off those that run

    @keras_tuner.synchronized
    def release(self, prefix):
        """Give the trials of a tuner that is gone to others; returns their numbers.

        Args:
            prefix: What the names of its parts begin with.
        """
        gone = [name for name in self.tuner_ids if name.startswith(prefix)]
        released = []
        for name in gone:
            self.tuner_ids.discard(name)
            if name in self.ongoing_trials:
                released.append(self.ongoing_trials.pop(name).trial_id)
        self._retry_queue += released
        self.save()
        return released

    def save(self):
        """Write the state, atomically."""
        files.write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial):
        folder = self._get_trial_dir(trial.trial_id)
        files.write_json(f"{folder}/trial.json", trial.get_state())

    def reload(self):
        """Read the state; trials that were running begin again, the earliest first."""
        super().reload()
        # A trial that was written while the oracle was not, yet, has been given to nobody.
        self.trials = {name: self.trials[name] for name in self.start_order}
        self._retry_queue.sort(key=int, reverse=True)  # it is taken from the end

    def get_state(self):
        """Plain values."""
        return {**super().get_state(), "refused": self.refused}

    def set_state(self, state):
        """Take the values of `get_state`."""
        super().set_state(state)
        self.refused = state["refused"]
        self.max_trials = self._trials + len(self.refused)


class _Random(_Enduring, keras_tuner_oracles.RandomSearchOracle):
    pass


class _Hyperband(_Enduring, HyperbandOracle):
    @keras_tuner.synchronized
    def create_trial(self, tuner_id):
        """The next trial; where the limits leave no new student, one that goes on."""
        trial = super().create_trial(tuner_id)
        if trial.status == "STOPPED" and self.refused[-1:] == self.start_order[-1:]:
            self.is_exhausted = True
            trial = super().create_trial(tuner_id)
        return trial


class _Pareto(_Enduring, ParetoOracle):
    pass


class _Bayesian(_Enduring, keras_tuner_oracles.BayesianOptimizationOracle):
    def populate_space(self, trial_id):
        with warnings.catch_warnings():
            # A kernel that fits few points badly is no concern of the user.
            warnings.filterwarnings("ignore", module="sklearn")
            return super().populate_space(trial_id)


class _Grid(_Enduring, keras_tuner_oracles.GridSearchOracle):
    """Keeps its place, too, which keras-tuner's forgets: it would end where it was resumed."""

    def get_state(self):
        order, name = [], self._first
        while name is not None:
            order.append(name)
            name = self._ordered_ids.next(name)
        return {**super().get_state(), "order": order, "populate_next": self._populate_next}

    def set_state(self, state):
        super().set_state(state)
        for name in state["order"]:
            self._ordered_ids.insert(name)
        self._populate_next = state["populate_next"]

    @property
    def _first(self):
        return self.start_order[0] if self.start_order else None


_ORACLES = {
    "bayesian": _Bayesian,
    "grid": _Grid,
    "hyperband": _Hyperband,
    "pareto": _Pareto,
    "random": _Random,
}


def _refuse_none(name, values):
    return ""


def make_oracle(name, axes, *, trials, seed=0, max_epochs=1, factor=3, refuse=_refuse_none):
    """Make an oracle.

    `pareto` looks at error and latency; `bayesian` and `hyperband` look at the error alone, so
    that a limit on the latency belongs to them; `random` and `grid` look at nothing.

    Args:
        name: One of these names.
        axes: `Axis`es.
        trials: How many candidates are tried at the most.
        seed: 0 or more.
        max_epochs: Of hyperband: those of the last rung.
        factor: Of hyperband: how many epochs more a rung has than the one before it.
        refuse: Function from a trial's name and values to why it is turned away, or "".

    Returns:
        A `keras_tuner.Oracle`.

    Raises:
        ValueError: If there is no such oracle.
    """
    if name not in _ORACLES:
        raise registry.unknown_name("oracle", _ORACLES, name)
    objective = keras_tuner.Objective(ERROR, "min")
    arguments = {}
    if name == "hyperband":
        arguments = {"max_epochs": max_epochs, "factor": factor, "num_candidates": count(axes)}
    if name == "pareto":
        objective = [objective, keras_tuner.Objective(LATENCY, "min")]
        arguments = {"population": max(4, min(12, round(trials / 4)))}
    return _ORACLES[name](
        objective=objective,
        trials=trials,
        refuse=refuse,
        hyperparameters=make_space(axes),
        tune_new_entries=False,
        seed=seed + 1,  # keras-tuner takes 0 for none
        **arguments,
    )
