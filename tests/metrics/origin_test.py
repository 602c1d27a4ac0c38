import numpy as np
import pytest

from kd_keras import metrics
from kd_keras.metrics import origin

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


class Witness:
    """A judge that notes which examples it is taught and asked. It takes all for the teacher's."""

    def fit(self, logits, is_teacher):
        self.taught = set(np.round(logits[:, 0], 9))
        return self

    def score(self, logits, is_teacher):
        self.asked = set(np.round(logits[:, 0], 9))
        return is_teacher.mean()


@pytest.mark.parametrize("most", [COUNT, 600])
def test_no_example_is_both_taught_and_asked_and_no_more_than_allowed(monkeypatch, most):
    witness = Witness()
    monkeypatch.setattr(origin, "_make_judge", lambda seed: witness)
    monkeypatch.setattr(origin, "MOST_EXAMPLES", most)
    teacher, student = draw(0), draw(1)
    assert metrics.origin_accuracy(teacher, student) == 50.0
    assert not witness.taught & witness.asked
    assert len(witness.taught) == len(witness.asked) == most  # a half, of both networks
    drawn = witness.taught | witness.asked
    teachers, students = (
        np.isin(np.round((logits - logits.mean(axis=1, keepdims=True))[:, 0], 9), list(drawn))
        for logits in (teacher, student)
    )
    assert (teachers == students).all()
    assert teachers.sum() == most


def test_a_seed_draws_the_halves_too(monkeypatch):
    witnesses = [Witness(), Witness()]
    monkeypatch.setattr(origin, "_make_judge", lambda seed: witnesses[seed])
    for seed in (0, 1):
        metrics.origin_accuracy(draw(0), draw(1), seed=seed)
    assert witnesses[0].taught != witnesses[1].taught


def test_few_examples_are_refused():
    assert 0 <= metrics.origin_accuracy(draw(0)[:200], draw(1)[:200]) <= 100
    with pytest.raises(ValueError, match=r"Expected 200 or more\. Received: 199\."):
        metrics.origin_accuracy(draw(0)[:199], draw(1)[:199])


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="disagree on the shape"):
        metrics.origin_accuracy(draw(0), draw(1)[:, :3])
