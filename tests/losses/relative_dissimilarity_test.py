import itertools

import numpy as np
import pytest

from kd_keras.losses import RelativeDissimilarity
from tests.losses import numeric


def _formula(margin):
    def formula(teacher, student, labels):
        count = len(student["a"])
        d_teacher, d_student = (
            ((side["a"][:, None] - side["a"][None]) ** 2).sum(axis=-1)
            for side in (teacher, student)
        )
        values, triples = np.zeros(count), 0
        for i, j, k in itertools.permutations(range(count), 3):
            if d_teacher[i, j] < d_teacher[i, k]:
                triples += 1
                values[i] += max(0.0, d_student[i, j] - d_student[i, k] + margin)
        return count * values / triples

    return formula


def _features(*shape, seed=0):
    return {"a": np.random.default_rng(seed).normal(size=shape)}


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_value_and_gradient_follow_the_formula(margin):
    loss = RelativeDissimilarity(taps=("a",), margin=margin)
    numeric.check(loss, _formula(margin), _features(5, 4), _features(5, 3, seed=1))


def test_the_same_order_without_a_margin_gives_zero():
    teacher = _features(6, 3)
    loss = RelativeDissimilarity(taps=("a",), margin=0.0)
    value, gradient = numeric.value_and_gradient(loss, teacher, {"a": 4.0 * teacher["a"]})
    assert not value.any()
    assert not gradient["a"].any()


def test_a_batch_without_triples_gives_zero():
    loss = RelativeDissimilarity(taps=("a",))
    value, _ = numeric.value_and_gradient(loss, _features(2, 3), _features(2, 3, seed=1))
    assert not value.any()


def test_a_negative_margin_is_refused():
    with pytest.raises(ValueError, match=r"margin\. Expected 0 or more"):
        RelativeDissimilarity(margin=-0.1)
