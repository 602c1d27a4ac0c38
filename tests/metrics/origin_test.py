import numpy as np
import pytest

from kd_keras import metrics

COUNT = 2000


def draw(seed, scale=1.0):
    return scale * np.random.default_rng(seed).standard_normal((COUNT, 5))


def test_logits_of_one_distribution_are_not_told_apart():
    assert metrics.origin_accuracy(draw(0), draw(1)) == pytest.approx(50, abs=4)


def test_the_same_logits_are_guessed_exactly():
    assert metrics.origin_accuracy(draw(0), draw(0)) == 50.0


def test_another_scale_is_told_as_well_as_it_can_be():
    # Four numbers are left of five without their mean. Of N(0, 1) and N(0, 3^2) the likelihood
    # ratio decides by their sum of squares r: Real where r < 4 ln 9 / (1 - 1/9) = 9.89, which holds
    # for 95.8% of the teacher's and 10.5% of the student's (chi-squared of r and of r / 9).
    received = metrics.origin_accuracy(draw(0), draw(1, scale=3.0))
    assert received == pytest.approx((95.8 + 89.5) / 2, abs=2.5)


def test_a_constant_on_all_logits_of_an_example_does_not_tell():
    shift = np.random.default_rng(2).normal(scale=9.0, size=(COUNT, 1))
    teacher, student = draw(0), draw(1)
    received = metrics.origin_accuracy(teacher, student + shift)
    assert received == pytest.approx(metrics.origin_accuracy(teacher, student), abs=1e-9)


def test_what_is_told_is_the_student_not_the_pair():
    # Each student's vector is its teacher's, reversed: told in pairs, not one by one.
    teacher = draw(0)
    assert metrics.origin_accuracy(teacher, teacher[:, ::-1]) == pytest.approx(50, abs=4)


def test_a_seed_repeats():
    pair = draw(0)[:300], draw(1)[:300]
    first, again, other = (metrics.origin_accuracy(*pair, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_few_examples_are_refused():
    with pytest.raises(ValueError, match=r"Expected 200 or more\. Received: 199\."):
        metrics.origin_accuracy(draw(0)[:199], draw(1)[:199])


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="disagree on the shape"):
        metrics.origin_accuracy(draw(0), draw(1)[:, :3])
