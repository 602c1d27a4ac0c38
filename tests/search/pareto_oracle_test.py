import keras_tuner
import numpy as np

from kd_keras import search
from kd_keras.search import pareto_oracle, surrogate
from tests.search import driving


def tell(tuner, proposal, error, milliseconds):
    tuner.report(proposal, error_percent=error, latency_milliseconds=milliseconds)


def test_children_are_made_of_the_front(tmp_path, monkeypatch):
    """The model sees children of the best two alone, and candidates that are drawn."""
    litters = []

    def note(known, points, candidates, *, generator):
        litters.append(np.array(candidates))
        return np.zeros(len(candidates))

    monkeypatch.setattr(surrogate, "expect_improvement", note)
    axes = tuple(f"data.{name}=0..1000000" for name in ("views", "view_seed"))
    tuner = driving.make_tuner(tmp_path, "pareto", axes=axes, trials=5)
    tuner.oracle.population, tuner.oracle.mutation = 4, 0.0
    points = iter([(9.0, 9.0), (1.0, 5.0), (8.0, 8.0), (5.0, 1.0)])
    known = []
    for point in points:
        proposal = tuner.propose(0)
        known.append(list(proposal.values.values()))
        tell(tuner, proposal, *point)
    tuner.oracle.population = 2
    tuner.propose(0)
    [litter] = litters
    children, drawn = np.split(litter, [len(litter) - pareto_oracle._LITTER])
    places = np.array(known) / 1_000_001
    inherited = [np.isclose(children[:, :, None], places[[n]].T, atol=1e-5) for n in range(4)]
    by_parent = [part.any(axis=2).mean() for part in inherited]
    # Half of the values are changed, one in two axes; the rest come from the two parents.
    assert by_parent[0] == by_parent[2] == 0.0
    assert 0.3 < by_parent[1] + by_parent[3] < 0.7
    assert np.isclose(drawn[:, :, None], places.T[None], atol=1e-5).mean() < 0.01


def test_the_child_that_promises_most_is_proposed(tmp_path, monkeypatch):
    def prefer_wide(known, points, candidates, *, generator):
        return candidates[:, 0]

    monkeypatch.setattr(surrogate, "expect_improvement", prefer_wide)
    tuner = driving.make_tuner(tmp_path, "pareto", axes=("data.views=0..99999",), trials=5)
    driving.drive(tuner, most=4, of=lambda values: (1.0, values["data.views"]))
    assert tuner.propose(0).values["data.views"] > 90_000


def test_the_best_are_chosen_by_rank_and_then_by_room():
    objectives = [keras_tuner.Objective(name, "min") for name in ("error", "time")]
    oracle = pareto_oracle.ParetoOracle(objectives, population=3)
    points = [[5.0, 5.0], [1.0, 4.0], [2.0, 2.0], [2.1, 1.9], [4.0, 1.0]]
    assert set(oracle._select(points)[:2]) == {1, 4}
    assert len(oracle._select(points)) == 3
    assert 0 not in oracle._select(points)


def test_a_place_that_leaves_the_axis_is_thrown_back():
    places = [pareto_oracle._reflect(place) for place in (-0.1, 0.3, 1.2, 2.4, 1.0, -3.3)]
    np.testing.assert_allclose(places, [0.1, 0.3, 0.8, 0.4, 1.0, 0.7])
    assert max(places) < 1.0


def test_the_sum_is_the_score_and_nothing_is_chosen_by_it(tmp_path):
    tuner = driving.make_tuner(tmp_path, "pareto", trials=2)
    proposal = tuner.propose(0)
    tell(tuner, proposal, 7.0, 0.5)
    [trial] = tuner.oracle.get_best_trials()
    assert (trial.trial_id, trial.score) == (proposal.trial.trial_id, 7.5)


def test_several_at_once_are_different(tmp_path):
    tuner = driving.make_tuner(tmp_path, "pareto", trials=7, seed=5)
    driving.drive(tuner, most=4)
    running = [tuner.propose(slot) for slot in range(3)]
    assert len({tuple(proposal.values.items()) for proposal in running}) == 3
    assert tuner.propose(3) is search.END
