import numpy as np
import pytest

from kd_keras.losses import Hint
from tests.losses import numeric

_ACTIVATIONS = {"linear": lambda x: x, "relu": lambda x: np.maximum(x, 0.0)}


def _formula(loss):
    kernels, biases = {}, {}
    for tap, adapter in loss.adapters.items():
        kernels[tap] = adapter.kernel.numpy().astype("float64")
        biases[tap] = None if loss.normalize else adapter.bias.numpy()

    def formula(teacher, student, labels):
        values = 0.0
        for tap, features in student.items():
            if tap in loss.adapters:
                features = features @ kernels[tap]
                if loss.normalize:
                    over = tuple(range(features.ndim - 1))
                    deviation = np.sqrt(features.var(axis=over) + 1e-5)
                    features = (features - features.mean(axis=over)) / deviation
                    features = features * loss.scales[tap].numpy() + loss.shifts[tap].numpy()
                else:
                    features = features + biases[tap]
                features = _ACTIVATIONS[loss.regressor](features)
            axes = tuple(range(1, features.ndim))
            values = values + ((teacher[tap] - features) ** 2).mean(axis=axes)
        return values

    return formula


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("regressor", ["linear", "relu"])
@pytest.mark.parametrize("taps", [("group3",), ("group1", "pooled")])
def test_value_and_gradient_follow_the_formula(regressor, taps, normalize):
    loss = Hint(taps=taps, regressor=regressor, normalize=normalize)
    teacher, student, _ = numeric.make_inputs(loss)
    for weight in loss.trainable_variables:
        if len(weight.shape) == 1:
            weight.assign(np.linspace(-1.0, 1.0, weight.shape[0]))
    numeric.check(loss, _formula(loss), teacher, student)


def test_a_larger_map_is_averaged_before_the_regressor():
    loss = Hint(taps=("a",), normalize=False)
    teacher, student = {"a": np.ones([1, 1, 1, 2])}, {"a": np.zeros([1, 2, 2, 1])}
    student["a"][0, 0, 0] = 4.0
    numeric.connect(loss, teacher, student)
    loss.adapters["a"].kernel.assign([[3.0, 1.0]])
    value, _ = numeric.value_and_gradient(loss, teacher, student)
    np.testing.assert_allclose(value, [((1 - 3) ** 2 + (1 - 1) ** 2) / 2])


def test_without_a_regressor_it_is_the_plain_distance():
    loss = Hint(taps=("stem",), regressor="none")
    teacher, student, _ = numeric.make_inputs(loss)
    numeric.check(loss, _formula(loss), teacher, student)
    assert not loss.trainable_variables
    value, gradient = numeric.value_and_gradient(loss, teacher, teacher)
    assert not value.any()
    assert not gradient["stem"].any()


def test_the_regressor_is_trained_and_the_default_is_linear():
    loss = Hint()
    numeric.make_inputs(loss)
    assert (loss.taps, loss.regressor, loss.default_weight) == (("group2",), "linear", 100.0)
    assert [tuple(v.shape) for v in loss.trainable_variables] == [(3,), (3,), (2, 3)]


def test_other_channels_without_a_regressor_are_refused():
    loss = Hint(regressor="none")
    with pytest.raises(ValueError, match=r"channels of group2.*teacher 3, student 2\. Set regr"):
        numeric.make_inputs(loss)
    with pytest.raises(ValueError, match=r"Unknown regressor\. Expected one of linear, none, relu"):
        Hint(regressor="conv")
