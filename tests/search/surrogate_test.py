import keras_tuner
import numpy as np
import scipy.stats

from kd_keras.search import surrogate


class Weights:
    """A generator that draws these weights."""

    def __init__(self, *weights):
        self._weights = weights

    def dirichlet(self, ones):
        assert list(ones) == [1.0] * len(self._weights)
        return np.array(self._weights)


def test_candidates_become_numbers_from_0_to_1():
    space = keras_tuner.HyperParameters()
    space.Int("depth", 10, 22, step=6)
    space.Float("rate", 0.01, 1.0, sampling="log")
    space.Choice("loss", ["a", "b"])
    vectors = surrogate.vectorize(
        space.space, [{"depth": 16, "rate": 0.1, "loss": "b"}, {"depth": 22, "rate": 0.01}]
    )
    np.testing.assert_allclose(vectors, [[0.5, 0.5, 0, 1], [5 / 6, 0, 0.5, 0.5]], atol=1e-9)


def test_the_improvement_is_that_of_the_formula(monkeypatch):
    """With a process whose mean and deviation are known."""
    fitted = {}

    class Process:
        def predict(self, candidates, return_std):
            return np.array([0.1, 0.6]), np.array([0.2, 0.1])

    def fit(known, values):
        fitted["values"] = values
        return Process()

    monkeypatch.setattr(surrogate, "_fit", fit)
    points = [[1.0, 30.0], [2.0, 20.0], [3.0, 20.0], [9.0, 10.0]]
    found = surrogate.expect_improvement(
        np.zeros((4, 1)), points, np.zeros((2, 1)), generator=Weights(0.25, 0.75)
    )
    ranks = np.array([[1, 4], [2, 2.5], [3, 2.5], [4, 1]]) / 4
    weighted = ranks * [0.25, 0.75]
    values = weighted.max(axis=1) + 0.05 * weighted.sum(axis=1)
    np.testing.assert_allclose(fitted["values"], values)
    gain = values.min() - np.array([0.1, 0.6])
    score = gain / [0.2, 0.1]
    expected = gain * scipy.stats.norm.cdf(score) + [0.2, 0.1] * scipy.stats.norm.pdf(score)
    np.testing.assert_allclose(found, expected)


def test_more_is_expected_where_it_has_become_better():
    known = np.linspace(0, 0.8, 9)[:, None]
    points = np.column_stack([10 - 8 * known[:, 0], np.ones(9)])
    found = surrogate.expect_improvement(
        known, points, np.array([[0.05], [0.95]]), generator=Weights(1.0, 0.0)
    )
    assert found[1] > 2 * found[0]
    assert (found >= 0).all()
