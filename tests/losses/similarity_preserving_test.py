import numpy as np

from kd_keras.losses import SimilarityPreserving
from tests.losses import numeric


def _similarities(features):
    features = features.reshape(len(features), -1)
    products = features @ features.T
    return products / np.sqrt((products**2).sum(axis=1, keepdims=True))


def _formula(teacher, student, labels):
    return sum(
        ((_similarities(teacher[tap]) - _similarities(student[tap])) ** 2).mean(axis=1)
        for tap in student
    )


def test_value_and_gradient_follow_the_formula():
    loss = SimilarityPreserving(taps=("group3", "pooled"))
    teacher, student, _ = numeric.make_inputs(loss)
    numeric.check(loss, _formula, teacher, student)


def test_the_mean_is_the_published_loss():
    loss = SimilarityPreserving()
    teacher, student, _ = numeric.make_inputs(loss)
    value, _ = numeric.value_and_gradient(loss, teacher, student)
    difference = _similarities(teacher["group3"].numpy()) - _similarities(student["group3"].numpy())
    published = np.linalg.norm(difference, "fro") ** 2 / numeric.BATCH**2
    np.testing.assert_allclose(value.mean(), published, rtol=1e-4)
    assert loss.default_weight == 3000.0


def test_rotated_features_and_one_example_alone_give_zero():
    loss = SimilarityPreserving(taps=("a",))
    features = np.random.default_rng(0).normal(size=(5, 3))
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    value, _ = numeric.value_and_gradient(loss, {"a": features}, {"a": 2.0 * features @ rotation})
    np.testing.assert_allclose(value, 0.0, atol=1e-10)
    value, gradient = numeric.value_and_gradient(loss, {"a": features[:1]}, {"a": np.zeros([1, 3])})
    np.testing.assert_allclose(value, 1.0, atol=1e-6)
    assert np.isfinite(gradient["a"]).all()
