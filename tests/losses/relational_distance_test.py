import numpy as np

from kd_keras.losses import RelationalDistance
from tests.losses import numeric


def _huber(x):
    return np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)


def _distances(features):
    features = features.reshape(len(features), -1)
    distances = np.sqrt(((features[:, None] - features[None]) ** 2).sum(axis=-1))
    return distances / distances[distances > 0].mean()


def _formula(teacher, student, labels):
    difference = _distances(student["a"]) - _distances(teacher["a"])
    return _huber(difference).mean(axis=1)


def _features(*shape, seed=0):
    return {"a": np.random.default_rng(seed).normal(size=shape)}


def test_value_and_gradient_follow_the_formula():
    teacher, student = _features(6, 2, 2, 3), _features(6, 4, seed=1)
    teacher["a"] = teacher["a"].reshape(6, 12)
    teacher["a"][0] *= 9.0  # so that some differences are beyond 1
    numeric.check(RelationalDistance(taps=("a",)), _formula, teacher, student)


def test_the_scale_does_not_count():
    teacher = _features(5, 3)
    value, gradient = numeric.value_and_gradient(
        RelationalDistance(taps=("a",)), teacher, {"a": 1 - 4.0 * teacher["a"]}
    )
    np.testing.assert_allclose(value, 0.0, atol=1e-10)
    np.testing.assert_allclose(gradient["a"], 0.0, atol=1e-6)


def test_coinciding_examples_have_finite_gradients():
    loss = RelationalDistance(taps=("a",))
    for student in (np.zeros([4, 2]), np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0], [3.0, 1.0]])):
        value, gradient = numeric.value_and_gradient(loss, _features(4, 3), {"a": student})
        assert np.isfinite(value).all()
        assert np.isfinite(gradient["a"]).all()


def test_small_distances_between_large_features_are_exact():
    teacher = {"a": np.array([[0.0], [1.0], [3.0]])}
    student = {"a": 1000.0 + 2**-8 * teacher["a"]}
    value, _ = numeric.value_and_gradient(RelationalDistance(taps=("a",)), teacher, student)
    np.testing.assert_allclose(value, 0.0, atol=1e-10)
