import numpy as np
import pytest

from kd_keras.losses import NeuronSelectivity
from tests.losses import numeric


def _channels(maps):
    vectors = maps.reshape(len(maps), -1, maps.shape[-1]).transpose(0, 2, 1)
    return vectors / np.sqrt((vectors**2).sum(axis=-1, keepdims=True))


def _kernels(variance, degree, offset):
    return {
        "linear": lambda x, y: x @ y,
        "polynomial": lambda x, y: (x @ y + offset) ** degree,
        "gaussian": lambda x, y: np.exp(-((x - y) ** 2).sum() / (2 * variance)),
    }


def _formula(loss, variances):
    def discrepancy(t, s, variance):
        kernel = _kernels(variance, loss.degree, loss.offset)[loss.kernel]

        def mean(first, second):
            return np.mean([kernel(x, y) for x in first for y in second])

        return mean(t, t) + mean(s, s) - 2 * mean(t, s)

    def formula(teacher, student, labels):
        teacher, student = (_channels(side["stem"]) for side in (teacher, student))
        return np.array(list(map(discrepancy, teacher, student, variances)))

    return formula


def _variances(teacher, student):
    """Constants: the gradient does not flow through them."""
    sides = [_channels(np.float64(side["stem"].numpy())) for side in (teacher, student)]
    return [((t[:, None] - s[None]) ** 2).sum(-1).mean() for t, s in zip(*sides, strict=True)]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"kernel": "polynomial", "degree": 3, "offset": 0.5},
        {"kernel": "linear"},
        {"kernel": "gaussian"},
    ],
)
def test_value_and_gradient_follow_the_formula(arguments):
    loss = NeuronSelectivity(taps=("stem",), **arguments)
    teacher, student, _ = numeric.make_inputs(loss)
    formula = _formula(loss, _variances(teacher, student))
    numeric.check(loss, formula, teacher, student, atol=1e-5)


@pytest.mark.parametrize("kernel", ["polynomial", "linear", "gaussian"])
def test_the_same_channels_in_another_order_give_zero(kernel):
    loss = NeuronSelectivity(kernel=kernel)
    teacher, _, _ = numeric.make_inputs(loss)
    turned = {tap: 5.0 * maps.numpy()[..., ::-1] for tap, maps in teacher.items()}
    value, _ = numeric.value_and_gradient(loss, teacher, turned)
    np.testing.assert_allclose(value, 0.0, atol=1e-6)


@pytest.mark.parametrize("kernel", ["polynomial", "linear", "gaussian"])
def test_dead_channels_and_equal_networks_have_finite_gradients(kernel):
    loss = NeuronSelectivity(taps=("a",), kernel=kernel)
    maps = {"a": np.zeros([2, 2, 2, 3])}
    for side in (maps, {"a": np.ones([2, 2, 2, 3])}):
        value, gradient = numeric.value_and_gradient(loss, side, side)
        np.testing.assert_allclose(value, 0.0, atol=1e-6)
        assert np.isfinite(gradient["a"]).all()


def test_taps_are_summed():
    loss = NeuronSelectivity()
    teacher, student, _ = numeric.make_inputs(loss)
    values = [
        numeric.value_and_gradient(NeuronSelectivity(taps=(tap,)), teacher, student)[0]
        for tap in loss.taps
    ]
    total, _ = numeric.value_and_gradient(loss, teacher, student)
    np.testing.assert_allclose(total, sum(values), rtol=1e-5)


def test_an_unknown_kernel_and_half_a_degree_are_refused():
    with pytest.raises(ValueError, match=r"Unknown kernel.*Did you mean linear\?"):
        NeuronSelectivity(kernel="linar")
    with pytest.raises(
        ValueError, match=r"degree\. Expected a whole number from 1\. Received: 1.5"
    ):
        NeuronSelectivity(degree=1.5)
