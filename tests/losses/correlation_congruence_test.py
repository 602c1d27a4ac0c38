import math

import numpy as np
import pytest

from kd_keras.losses import CorrelationCongruence
from tests.losses import numeric


def _kernel(features, gamma, order):
    features = features.reshape(len(features), -1)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    terms = [(2 * gamma * unit @ unit.T) ** p / math.factorial(p) for p in range(order + 1)]
    return np.exp(-2 * gamma) * sum(terms)


@pytest.mark.parametrize(
    ("arguments", "gamma", "order"), [({}, 0.4, 2), ({"gamma": 1.5, "order": 3}, 1.5, 3)]
)
def test_value_and_gradient_follow_the_formula(arguments, gamma, order):
    def formula(teacher, student, labels):
        kernels = [
            [_kernel(side[tap], gamma, order) for side in (teacher, student)] for tap in teacher
        ]
        return sum(((first - second) ** 2).mean(axis=1) for first, second in kernels)

    loss = CorrelationCongruence(taps=("group3", "pooled"), **arguments)
    teacher, student, _ = numeric.make_inputs(loss)
    numeric.check(loss, formula, teacher, student)


def test_the_mean_is_the_squared_frobenius_norm_over_all_pairs():
    loss = CorrelationCongruence()
    teacher, student, _ = numeric.make_inputs(loss)
    value, _ = numeric.value_and_gradient(loss, teacher, student)
    kernels = [_kernel(side["pooled"].numpy(), 0.4, 2) for side in (teacher, student)]
    published = np.linalg.norm(kernels[0] - kernels[1], "fro") ** 2 / numeric.BATCH**2
    np.testing.assert_allclose(value.mean(), published, rtol=1e-4)
    assert loss.default_weight == 100.0


def test_a_long_series_is_the_gaussian_kernel_itself():
    unit = np.random.default_rng(0).normal(size=(5, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    squared = ((unit[:, None] - unit[None, :]) ** 2).sum(axis=-1)
    alone = {"a": np.eye(5, 5)}
    value, _ = numeric.value_and_gradient(
        CorrelationCongruence(taps=("a",), order=12), alone, {"a": unit}
    )
    kernel = np.exp(-0.4 * ((np.eye(5)[:, None] - np.eye(5)[None, :]) ** 2).sum(axis=-1))
    np.testing.assert_allclose(
        value, ((kernel - np.exp(-0.4 * squared)) ** 2).mean(axis=1), atol=1e-6
    )


def test_lengths_and_rotations_do_not_count_and_zeros_are_finite():
    loss = CorrelationCongruence(taps=("a",))
    features = np.random.default_rng(0).normal(size=(5, 3))
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    scaled = np.linspace(1.0, 9.0, 5)[:, None] * features @ rotation
    value, _ = numeric.value_and_gradient(loss, {"a": features}, {"a": scaled})
    np.testing.assert_allclose(value, 0.0, atol=1e-10)
    value, gradient = numeric.value_and_gradient(loss, {"a": features}, {"a": np.zeros([5, 3])})
    assert np.isfinite(value).all()
    assert np.isfinite(gradient["a"]).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"gamma": 0.0}, "Invalid value for gamma. Expected a number above 0. Received: 0.0."),
        ({"order": 0}, "Invalid value for order. Expected a whole number from 1. Received: 0."),
    ],
)
def test_what_makes_no_kernel_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match="Invalid value") as caught:
        CorrelationCongruence(**arguments)
    assert str(caught.value) == sentence
