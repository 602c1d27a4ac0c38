"""Hyperband whose brackets come to their last rung, whatever trials and candidates there are.

keras-tuner's first rung has as many students as the epochs ask for, and nobody goes on before it is
full: where the trials or the candidates end sooner, or a student fails, the last rung stays empty.
"""

import itertools

from keras_tuner import oracles as keras_tuner_oracles

from kd_keras.search import rungs

__all__ = ["HyperbandOracle"]

_ENDED = ("COMPLETED", "FAILED")


class HyperbandOracle(keras_tuner_oracles.HyperbandOracle):
    """Sizes every bracket by what is left when it begins; see `rungs.fit`.

    A first rung ends where there are no more candidates. A student that fails takes a place of its
    rung and holds nobody up; a trial that is turned away takes none.

    Args:
        num_candidates: How many there are; None where they cannot be counted.
        **arguments: Of keras-tuner's.

    Attributes:
        refused: The numbers of the trials that were turned away.
        is_exhausted: Whether there is no new student any more.
    """

    def __init__(self, *, num_candidates, **arguments):
        super().__init__(**arguments)
        self.refused = []
        self.is_exhausted = False
        self._num_candidates = num_candidates
        self._brackets = []  # each with the `rounds` of keras-tuner and the first one's `size`

    def populate_space(self, trial_id):
        """The values of the next trial: a new student, or one that goes on."""
        for bracket in self._each_bracket():
            values = self._begin(bracket, trial_id) or self._go_on(bracket, trial_id)
            if values:
                return {"status": "RUNNING", "values": values}
        return {"status": "IDLE" if self.ongoing_trials else "STOPPED"}

    def set_state(self, state):
        """Take the values of `get_state`; a bracket without a size ends its first rung there."""
        super().set_state(state)
        for bracket in self._brackets:
            bracket.setdefault("size", len(bracket["rounds"][0]))

    def _each_bracket(self):
        """Those that have begun, and a new one if there is to be one."""
        yield from list(self._brackets)
        found = None if self.is_exhausted else self._fit_bracket()
        if found:
            num_rungs, size = found
            self._brackets.append({"rounds": [[] for _ in range(num_rungs)], "size": size})
            yield self._brackets[-1]

    def _fit_bracket(self):
        """How many rungs and students the next bracket has; None if there is to be none."""
        most_rungs = self._current_bracket + 1  # one less after each that the paper has
        if not most_rungs:
            return None
        awaited = sum(
            places - len(trials)
            for bracket in self._brackets
            for trials, places in self._rungs(bracket)
        )
        candidates = self._num_candidates
        if candidates is not None:
            candidates -= sum(len(bracket["rounds"][0]) for bracket in self._brackets)
        most_students = self._get_size(self._current_bracket, 0)
        found = rungs.fit(
            self.max_trials - len(self.trials) - awaited,
            candidates,
            factor=self.factor,
            most_rungs=most_rungs,
            most_students=most_students,
        )
        if found == (most_rungs, most_students):
            self._current_bracket -= 1
        return found

    def _rungs(self, bracket):
        """Of each rung the trials in it, and how many it will have as things stand."""
        rounds = bracket["rounds"]
        places = bracket["size"]
        sizes = rungs.sizes_of_rungs(places, self.factor, len(rounds))
        for number, (entries, size) in enumerate(zip(rounds, sizes, strict=True)):
            kept = [entry["id"] for entry in entries if entry["id"] not in self.refused]
            trials = [self.trials[trial_id] for trial_id in kept]
            if number:  # one that was refused here is not chosen again
                places = min(size, places - (len(entries) - len(kept)))
            yield trials, places
            places -= sum(trial.status == "FAILED" for trial in trials)

    def _begin(self, bracket, trial_id):
        """The values of a new student; None where the first rung is full or there is none."""
        trials, places = next(self._rungs(bracket))
        if len(trials) >= places:
            return None
        values = None if self.is_exhausted else self._random_values()
        if not values:
            self.is_exhausted = True
            bracket["size"] = len(trials)
            return None
        return self._enter(bracket, 0, trial_id, values)

    def _go_on(self, bracket, trial_id):
        """The values of a student of which it is sure that it goes on, or None."""
        for number, pair in enumerate(itertools.pairwise(self._rungs(bracket)), start=1):
            (trials, places), (longer, longer_places) = pair
            chosen = {entry["past_id"] for entry in bracket["rounds"][number]}
            known = [trial for trial in trials if trial.status == "COMPLETED"]
            waiting = [trial for trial in known if trial.trial_id not in chosen]
            unknown = places - sum(trial.status in _ENDED for trial in trials)
            if waiting and len(longer) + unknown < longer_places:
                best = min(waiting, key=lambda trial: trial.score)
                values = {**best.hyperparameters.values, "tuner/trial_id": best.trial_id}
                return self._enter(bracket, number, trial_id, values, best.trial_id)
        return None

    def _enter(self, bracket, number, trial_id, values, past_id=None):
        bracket["rounds"][number].append({"past_id": past_id, "id": trial_id})
        num_rungs = len(bracket["rounds"])
        epochs = rungs.epochs_of_rungs(self.max_epochs, self.factor, num_rungs)
        return {
            **values,
            "tuner/epochs": epochs[number],
            "tuner/initial_epoch": epochs[number - 1] if number else 0,
            "tuner/bracket": num_rungs - 1,
            "tuner/round": number,
        }
