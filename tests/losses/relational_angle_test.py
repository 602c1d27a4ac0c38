import itertools

import numpy as np

from kd_keras.losses import RelationalAngle
from tests.losses import numeric


def _huber(x):
    return np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)


def _cosine(vertex, first, second):
    first, second = first - vertex, second - vertex
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return first @ second / lengths if lengths else 0.0


def _formula(teacher, student, labels):
    def angles(features):
        count = len(features)
        values = [_cosine(*triple) for triple in itertools.product(features, repeat=3)]
        return np.reshape(values, [count] * 3)

    return _huber(angles(student["a"]) - angles(teacher["a"])).mean(axis=(1, 2))


def _features(*shape, seed=0):
    return {"a": np.random.default_rng(seed).normal(size=shape)}


def test_value_and_gradient_follow_the_formula():
    numeric.check(RelationalAngle(taps=("a",)), _formula, _features(5, 3), _features(5, 2, seed=1))


def test_shifted_scaled_and_rotated_features_give_zero():
    teacher = _features(5, 3)
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    value, _ = numeric.value_and_gradient(
        RelationalAngle(taps=("a",)), teacher, {"a": 5.0 + 3.0 * teacher["a"] @ rotation}
    )
    np.testing.assert_allclose(value, 0.0, atol=1e-10)


def test_coinciding_examples_have_finite_gradients():
    student = np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0], [3.0, 1.0]])
    value, gradient = numeric.value_and_gradient(
        RelationalAngle(taps=("a",)), _features(4, 3), {"a": student}
    )
    np.testing.assert_allclose(value, _formula(_features(4, 3), {"a": student}, None), rtol=1e-4)
    assert np.isfinite(gradient["a"]).all()
