"""An oracle for several objectives: children of the best candidates, sifted by a model of them.

The model itself is in `surrogate`.
"""

import keras_tuner
import numpy as np

from kd_keras.search import front, surrogate

__all__ = ["ParetoOracle"]

_LITTER = 64  # children that the model chooses from, and as many candidates drawn at random


class ParetoOracle(keras_tuner.Oracle):
    """Evolution by non-dominated rank and crowding, one child at a time, with a surrogate.

    The first candidates are drawn at random. From then on the best of all finished ones, as many
    as the population holds, are parents: by rank, and within a rank by the room that they have.
    Two parents are chosen, each the better of two that are drawn; a child has each value from one
    of them. Then some values are changed: on an ordered axis to one nearby, on others to any. Of
    many such children, and of others drawn at random, the one is proposed that a Gaussian process
    expects to improve most on the finished ones, in a weighting of the objectives that is drawn
    anew each time. No candidate is proposed twice.

    Nothing waits for a generation, so that any number of trials may run at once. The same seed
    and the same results give the same candidates, also after the state was saved and read back.

    Args:
        objective: A list of `keras_tuner.Objective`, each "min".
        population: Parents, and candidates drawn at random in the beginning.
        mutation: Probability that a value is changed, at least one in the number of axes.
        reach: Standard deviation of a change on an ordered axis, in parts of the axis.
        **arguments: Of `keras_tuner.Oracle`.

    Example:
        >>> space = keras_tuner.HyperParameters()
        >>> _ = space.Int("width", 1, 8)
        >>> objectives = [keras_tuner.Objective(name, "min") for name in ("error", "time")]
        >>> oracle = ParetoOracle(objectives, hyperparameters=space, max_trials=9, seed=1)
        >>> oracle.populate_space("0")["status"]
        'RUNNING'

    Reference:
        Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
        NSGA-II", 2002; the weighting and the model as in Knowles, "ParEGO: A Hybrid Algorithm
        with On-Line Landscape Approximation for Expensive Multiobjective Optimization Problems",
        2006.
    """

    def __init__(self, objective, *, population=8, mutation=0.25, reach=0.2, **arguments):
        super().__init__(objective=objective, **arguments)
        self.population = population
        self.mutation = mutation
        self.reach = reach

    def populate_space(self, trial_id):
        """Values for a trial: a child, or drawn at random."""
        finished = [trial for trial in self.trials.values() if trial.status == "COMPLETED"]
        values = None
        if len(self.trials) >= self.population and len(finished) >= 2:
            # In the order of their numbers, however they were read back.
            values = self._breed(sorted(finished, key=lambda trial: int(trial.trial_id)))
        values = values or self._random_values()
        return {"status": "RUNNING" if values else "STOPPED", "values": values}

    def score_trial(self, trial):
        """The sum of the objectives, for keras-tuner's own lists. Nothing is chosen by it."""
        trial.score = float(sum(self._objectives_of(trial)))
        trial.best_step = 0

    def _objectives_of(self, trial):
        names = [objective.name for objective in self.objective.objectives]
        return [float(trial.metrics.get_best_value(name)) for name in names]

    def _breed(self, finished):
        """The most promising of many children; None where there is no new one."""
        generator = np.random.default_rng(self._seed_state)
        self._seed_state += 1
        known = [trial.hyperparameters.values for trial in finished]
        points = [self._objectives_of(trial) for trial in finished]
        parents = [known[place] for place in self._select(points)]
        litter = [
            self._cross(_draw(parents, generator), _draw(parents, generator), generator)
            for _ in range(_LITTER)
        ]
        litter += [self._cross({}, {}, generator) for _ in range(_LITTER)]
        litter = [values for values in litter if not self._duplicate(values)]
        if not litter:
            return None
        axes = self.hyperparameters.space
        expected = surrogate.expect_improvement(
            surrogate.vectorize(axes, known),
            points,
            surrogate.vectorize(axes, litter),
            generator=generator,
        )
        return litter[int(np.argmax(expected))]

    def _select(self, points):
        """The places of the best points, the best first."""
        order = np.lexsort((-front.crowding(points), front.ranks(points)))
        return order[: self.population]

    def _cross(self, first, second, generator):
        """A child's values; those of axes that have no meaning in it are left out."""
        rate = max(self.mutation, 1 / len(self.hyperparameters.space))
        child = keras_tuner.HyperParameters()
        for axis in self.hyperparameters.space:
            child.merge([axis])
            if not child.is_active(axis):
                continue
            parent, other = (first, second) if generator.integers(2) else (second, first)
            value = parent.get(axis.name, other.get(axis.name))
            if value is None or generator.random() < rate:
                value = self._mutate(axis, value, generator)
            child.values[axis.name] = value
        return child.values

    def _mutate(self, axis, value, generator):
        place = generator.random()
        if value is not None and getattr(axis, "ordered", True):
            step = self._reach_of(axis) * generator.standard_normal()
            place = _reflect(axis.value_to_prob(value) + step)
        return axis.prob_to_value(place)

    def _reach_of(self, axis):
        """Far enough to come to the next of few choices."""
        is_choice = hasattr(axis, "ordered")
        return max(self.reach, 0.75 / len(axis.values)) if is_choice else self.reach


def _draw(parents, generator):
    """The better of two parents, the first being the best."""
    return parents[generator.integers(len(parents), size=2).min()]


def _reflect(place):
    """A number that has left [0, 1) is thrown back at its ends."""
    place = abs(place) % 2.0
    return min(place if place < 1.0 else 2.0 - place, np.nextafter(1.0, 0.0))
