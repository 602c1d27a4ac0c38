import numpy as np
import pytest

from kd_keras.losses import ClassDistance
from tests.losses import numeric


def _formula(loss):
    kernel = loss.adapters["pooled"].kernel.numpy().astype("float64")

    def formula(teacher, student, labels):
        labels = np.asarray(labels)
        f, g = teacher["pooled"], student["pooled"] @ kernel
        centers = {label: f[labels == label].mean(axis=0) for label in set(labels.tolist())}
        values = ((f - g) ** 2).sum(axis=1)
        for i, label in enumerate(labels.tolist()):
            squared = {other: ((g[i] - c) ** 2).sum() for other, c in centers.items()}
            own = squared.pop(label)
            values[i] += loss.center_weight * (own - min(loss.margin, *squared.values()))
        return values

    return formula


@pytest.mark.parametrize(("center_weight", "margin"), [(0.0, 1.0), (0.3, 20.0), (0.3, 1e6)])
def test_value_and_gradient_follow_the_formula(center_weight, margin):
    loss = ClassDistance(center_weight=center_weight, margin=margin)
    inputs = numeric.make_inputs(loss)
    numeric.check(loss, _formula(loss), *inputs)
    assert loss.relates_examples == (center_weight > 0)


def test_identical_features_of_one_width_give_zero_and_need_no_adapter():
    loss = ClassDistance()
    features = {"pooled": np.random.default_rng(0).normal(size=(6, 4))}
    numeric.connect(loss, features, features)
    assert not loss.adapters
    value, gradient = numeric.value_and_gradient(loss, features, features, numeric.LABELS)
    assert not value.any()
    assert not gradient["pooled"].any()


def test_a_batch_of_one_class_reaches_the_margin():
    loss = ClassDistance(center_weight=1.0, margin=3.0)
    features = {"pooled": np.ones([4, 2])}
    value, _ = numeric.value_and_gradient(loss, features, features, np.zeros(4, np.int32))
    np.testing.assert_allclose(value, -3.0)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"margin\. Expected a number above 0"):
        ClassDistance(margin=0.0)
    with pytest.raises(ValueError, match=r"center_weight\. Expected 0 or more"):
        ClassDistance(center_weight=-1.0)
