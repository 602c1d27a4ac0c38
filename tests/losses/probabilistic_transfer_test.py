import numpy as np

from kd_keras.losses import ProbabilisticTransfer
from tests.losses import numeric


def _neighbours(features):
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    similarities = (unit @ unit.T + 1) / 2
    return similarities / similarities.sum(axis=1, keepdims=True)


def _formula(teacher, student, labels):
    p, q = _neighbours(teacher["a"]), _neighbours(student["a"])
    return (p * np.log((p + 1e-7) / (q + 1e-7))).mean(axis=1)


def _features(*shape, seed=0):
    return {"a": np.random.default_rng(seed).normal(size=shape)}


def test_value_and_gradient_follow_the_formula():
    numeric.check(
        ProbabilisticTransfer(taps=("a",)), _formula, _features(6, 4), _features(6, 3, seed=1)
    )


def test_the_length_does_not_count():
    teacher = _features(6, 4)
    student = {"a": teacher["a"] * np.linspace(1.0, 9.0, 6)[:, None]}
    value, _ = numeric.value_and_gradient(ProbabilisticTransfer(taps=("a",)), teacher, student)
    np.testing.assert_allclose(value, 0.0, atol=1e-7)


def test_opposite_examples_and_zeros_are_finite():
    teacher = {"a": np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])}
    student = {"a": np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])}
    value, gradient = numeric.value_and_gradient(
        ProbabilisticTransfer(taps=("a",)), teacher, student
    )
    assert value[0] > 1.0
    assert np.isfinite(value).all()
    assert np.isfinite(gradient["a"]).all()
