import numpy as np
import pytest

from kd_keras.losses import VariationalInformation
from tests.losses import numeric


def _formula(loss, tap):
    kernels = [layer.kernel.numpy().astype("float64") for layer in loss.means[tap]]
    raw = loss.raw_variances[tap].numpy().astype("float64")

    def formula(teacher, student, labels):
        mean = student[tap]
        for number, kernel in enumerate(kernels):
            mean = mean @ kernel
            mean = np.maximum(mean, 0) if number < 2 else mean
        variance = np.logaddexp(0, raw) + 1e-5
        values = ((teacher[tap] - mean) ** 2 / variance + np.log(variance)) / 2
        return values.mean(axis=tuple(range(1, values.ndim)))

    return formula


@pytest.mark.parametrize("tap", ["group3", "pooled"])
def test_value_and_gradient_follow_the_formula(tap):
    loss = VariationalInformation(taps=(tap,))
    teacher, student, _ = numeric.make_inputs(loss)
    loss.raw_variances[tap].assign(np.linspace(-2.0, 3.0, 5))
    numeric.check(loss, _formula(loss, tap), teacher, student)


def test_the_variance_begins_as_told_and_is_trained():
    loss = VariationalInformation(initial_variance=0.5)
    numeric.make_inputs(loss)
    assert len(loss.trainable_variables) == 3 * 4
    for raw in loss.raw_variances.values():
        np.testing.assert_allclose(np.logaddexp(0, raw.numpy()) + 1e-5, 0.5, rtol=1e-5)


def test_a_large_variance_does_not_overflow():
    loss = VariationalInformation(taps=("pooled",))
    teacher, student, _ = numeric.make_inputs(loss)
    loss.raw_variances["pooled"].assign(np.full(5, 1000.0))
    value, gradient = numeric.value_and_gradient(loss, teacher, student)
    np.testing.assert_allclose(value, np.log(1000.0) / 2, rtol=1e-2)
    assert np.isfinite(gradient["pooled"]).all()


def test_a_variance_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"initial_variance.*above 0"):
        VariationalInformation(initial_variance=0.0)


@pytest.mark.parametrize("variance", [2e-5, 0.5, 1000.0])
def test_any_initial_variance_can_be_had(variance):
    loss = VariationalInformation(taps=("a",), initial_variance=variance)
    numeric.connect(loss, {"a": np.ones([2, 3])}, {"a": np.ones([2, 3])})
    raw = loss.raw_variances["a"].numpy().astype("float64")
    np.testing.assert_allclose(np.logaddexp(0.0, raw) + 1e-5, variance, rtol=1e-5)
