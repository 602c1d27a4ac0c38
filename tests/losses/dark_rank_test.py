import itertools

import numpy as np
import pytest

from kd_keras.losses import DarkRank
from tests.losses import numeric


def _scores(features, alpha, beta):
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    distances = np.sqrt(((unit[:, None] - unit[None]) ** 2).sum(axis=-1))
    return -alpha * distances**beta


def _log_probability(scores):
    """Of drawing in this order, each time among those that remain."""
    return sum(scores[i] - np.log(np.exp(scores[i:]).sum()) for i in range(len(scores)))


def _formula(form, alpha, beta, length):
    def one(query, teacher, student):
        others = [index for index in range(len(teacher)) if index != query]
        nearest = sorted(others, key=lambda index: -teacher[index])[:length]
        if form == "hard":
            return -_log_probability(student[nearest])
        total = 0.0
        for order in itertools.permutations(nearest):
            p, q = (_log_probability(scores[list(order)]) for scores in (teacher, student))
            total += np.exp(p) * (p - q)
        return total

    def formula(teacher, student, labels):
        teacher, student = (_scores(side["a"], alpha, beta) for side in (teacher, student))
        return np.array([one(i, teacher[i], student[i]) for i in range(len(teacher))])

    return formula


def _features(*shape, seed=0):
    return {"a": np.random.default_rng(seed).normal(size=shape)}


@pytest.mark.parametrize(
    ("form", "alpha", "beta", "length"),
    [("soft", 3.0, 3.0, 3), ("hard", 3.0, 3.0, 4), ("soft", 12.25, 4.0, 2)],
)
def test_value_and_gradient_follow_the_formula(form, alpha, beta, length):
    loss = DarkRank(taps=("a",), form=form, alpha=alpha, beta=beta, list_length=length)
    formula = _formula(form, alpha, beta, length)
    numeric.check(loss, formula, _features(6, 4), _features(6, 3, seed=1))


def test_the_official_score_is_written_with_alpha_and_beta():
    features = _features(5, 3)["a"]
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    squared = ((3.5**0.5 * unit[:, None] - 3.5**0.5 * unit[None]) ** 2).sum(axis=-1)
    np.testing.assert_allclose(_scores(features, 12.25, 4.0), -(squared**2.0))


def test_the_same_embedding_gives_zero_in_the_soft_form():
    teacher = _features(6, 3)
    value, gradient = numeric.value_and_gradient(
        DarkRank(taps=("a",)), teacher, {"a": 7.0 * teacher["a"]}
    )
    np.testing.assert_allclose(value, 0.0, atol=1e-6)
    np.testing.assert_allclose(gradient["a"], 0.0, atol=1e-5)


@pytest.mark.parametrize("beta", [0.5, 3.0])
@pytest.mark.parametrize("form", ["soft", "hard"])
def test_coinciding_examples_have_finite_gradients(form, beta):
    loss = DarkRank(taps=("a",), form=form, beta=beta, list_length=3)
    value, gradient = numeric.value_and_gradient(loss, _features(5, 3), {"a": np.ones([5, 2])})
    assert np.isfinite(value).all()
    assert np.isfinite(gradient["a"]).all()


def test_a_batch_that_is_too_small_and_a_list_that_is_too_long_are_refused():
    with pytest.raises(ValueError, match=r"Too few examples.*more than 4 on each replica.*: 4\."):
        DarkRank(taps=("a",)).per_example(_features(4, 3), _features(4, 3))
    with pytest.raises(ValueError, match=r"list_length\. Expected a whole number from 2 to 6"):
        DarkRank(list_length=7)
    assert DarkRank(form="hard", list_length=7).list_length == 7
    with pytest.raises(ValueError, match=r"Unknown form\. Expected one of hard, soft"):
        DarkRank(form="medium")
