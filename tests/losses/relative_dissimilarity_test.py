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
                closer = (d_student[i, j] - d_student[i, k]) / student["a"].shape[-1]
                values[i] += max(0.0, closer + margin)
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


def _several(count, *, seed=0):
    """Features of some teachers, each with channels of its own."""
    generator = np.random.default_rng(seed)
    return {f"t{k}/a": generator.normal(size=(5, 2 + k)) for k in range(count)}


def _formula_of_votes(names):
    def formula(teacher, student, labels):
        count = len(student["a"])

        def distance(features, i, j):
            return ((features[i] - features[j]) ** 2).sum()

        values, triples = np.zeros(count), 0
        for i, j, k in itertools.permutations(range(count), 3):
            votes = sum(
                distance(teacher[f"{name}/a"], i, j) < distance(teacher[f"{name}/a"], i, k)
                for name in names
            )
            if 2 * votes > len(names):
                triples += 1
                closer = distance(student["a"], i, j) - distance(student["a"], i, k)
                values[i] += max(0.0, closer / student["a"].shape[-1] + 1.0)
        return count * values / triples

    return formula


@pytest.mark.parametrize("count", [1, 2, 3])
def test_several_teachers_vote_on_each_triple(count):
    names = tuple(f"t{k}" for k in range(count))
    loss = RelativeDissimilarity(taps=("a",), teachers=names)
    student = _features(5, 3, seed=1)
    numeric.check(loss, _formula_of_votes(names), _several(count), student)


def test_of_two_teachers_only_the_order_that_both_have_counts():
    line = np.arange(5.0)[:, None]
    teachers = {"t0/a": line, "t1/a": 1 / (1 + line)}
    alone = RelativeDissimilarity(taps=("a",))
    both = RelativeDissimilarity(taps=("a",), teachers=("t0", "t1"))
    student = _features(5, 3, seed=1)
    first, _ = numeric.value_and_gradient(alone, {"a": teachers["t0/a"]}, student)
    value, _ = numeric.value_and_gradient(both, teachers, student)
    expected = _formula_of_votes(("t0", "t1"))(teachers, student, None)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert not np.allclose(value, first)


def test_a_teacher_whose_layer_cannot_be_compared_is_refused():
    loss = RelativeDissimilarity(taps=("a",), teachers=("t0", "t1"))
    shapes = {"t0/a": (None, 4), "t1/a": (None, 2, 2, 4), "logits": (None, 3)}
    with pytest.raises(ValueError, match="Expected two maps or two vectors"):
        loss.connect(shapes, {"a": (None, 8), "logits": (None, 3)})


def test_a_negative_margin_is_refused():
    with pytest.raises(ValueError, match=r"margin\. Expected 0 or more"):
        RelativeDissimilarity(margin=-0.1)
