import numpy as np
import pytest

from kd_keras.losses import SolutionFlow
from tests.losses import numeric


def _pool(maps, side):
    step = maps.shape[1] // side
    return maps.reshape(len(maps), side, step, side, step, -1).mean(axis=(2, 4))


def _flow(first, second):
    side = min(first.shape[1], second.shape[1])
    first, second = (
        _pool(maps, side).reshape(len(maps), side * side, -1) for maps in (first, second)
    )
    return np.einsum("bpi,bpj->bij", first, second) / side**2


def _formula(loss):
    kernels = {tap: adapter.kernel.numpy() for tap, adapter in loss.adapters.items()}

    def formula(teacher, student, labels):
        student = {tap: x @ kernels[tap] if tap in kernels else x for tap, x in student.items()}
        return sum(
            ((_flow(teacher[a], teacher[b]) - _flow(student[a], student[b])) ** 2).mean(axis=(1, 2))
            for a, b in zip(loss.taps[:-1], loss.taps[1:], strict=True)
        )

    return formula


def test_value_and_gradient_follow_the_formula():
    loss = SolutionFlow(taps=("stem", "group1", "group3"))
    teacher, student, _ = numeric.make_inputs(loss, scale=1.0)
    assert list(loss.adapters) == ["group1", "group3"]
    numeric.check(loss, _formula(loss), teacher, student)


def test_networks_of_one_width_have_no_adapter_and_identical_ones_no_loss():
    loss = SolutionFlow(taps=("stem", "group1"), adapter=False)
    teacher, _, _ = numeric.make_inputs(SolutionFlow(taps=("stem", "group1")))
    numeric.connect(loss, teacher, teacher)
    assert not loss.trainable_variables
    value, gradient = numeric.value_and_gradient(loss, teacher, teacher)
    assert not value.any()
    assert not gradient["stem"].any()


def test_other_channels_without_an_adapter_are_refused():
    with pytest.raises(ValueError, match=r"channels of group1.*teacher 4, student 3\. Set adapter"):
        numeric.make_inputs(SolutionFlow(adapter=False))


def test_one_layer_makes_no_pair():
    with pytest.raises(ValueError, match=r"taps\. Expected two layers or more.*Received: stem"):
        SolutionFlow(taps=("stem",))
