import math

import pytest

from kd_keras import search
from tests.search.trials import make_search, make_trial


def test_what_has_no_error_is_no_candidate():
    found = search.gather_candidates([*make_search(), make_trial(28, 1, math.nan)])
    assert [candidate.name for candidate in found] == [
        "WRN-10-1",
        "WRN-10-2",
        "WRN-10-4",
        "WRN-16-1",
        "WRN-16-2",
        "WRN-16-4",
    ]


def test_the_seeds_of_a_student_are_one_candidate():
    trials = [
        make_trial(10, 2, 9.0, 1.0, seed=0, spread=0.1),
        make_trial(10, 2, 10.0, 1.4, seed=1, spread=0.2),
        make_trial(10, 2, 8.0, 1.1, seed=2, spread=0.0, size_bytes=10**6),
        make_trial(10, 4, 7.0, 3.0),
    ]
    several, _ = search.gather_candidates(trials)
    assert several.errors_percent == {0: 9.0, 1: 10.0, 2: 8.0}
    assert several.validation_error_percent == 9.0
    assert several.test_error_percent == 9.5
    assert several.quantity("latency_milliseconds") == 1.1
    assert several.quantity("size_bytes") == 10**6
    assert several.quantity("peak_memory_bytes") is None
    assert several.latency_range == pytest.approx((1.0, 1.6))
    assert several.best_trial is trials[2]


def test_a_seed_that_is_searched_over_makes_no_other_student():
    values = {"student.depth": 10, "student.width": 2}
    trials = [
        make_trial(10, 2, 9.0 + seed, seed=seed, values=values | {"run.seed": seed})
        for seed in range(2)
    ]
    [candidate] = search.gather_candidates(trials)
    assert (candidate.values, candidate.errors_percent) == (values, {0: 9.0, 1: 10.0})


def test_of_one_seed_the_longest_training_counts():
    trials = [
        make_trial(10, 2, error, epochs=epochs, name=f"{epochs}", test_error_percent=error)
        for error, epochs in ((9.0, 9), (20.0, 1), (12.0, 3))
    ]
    [candidate] = search.gather_candidates(trials)
    assert candidate.errors_percent == {0: 9.0}
    assert candidate.test_error_percent == 9.0
    assert candidate.best_trial.name == "9"
    assert len(candidate.trials) == 3


def test_what_was_not_measured_is_none():
    [candidate] = search.gather_candidates([make_trial(10, 2, 9.0, test_error_percent=None)])
    assert candidate.test_error_percent is None
    assert candidate.latency_range is None
    assert candidate.quantity("latency_milliseconds") is None
    partly = make_trial(10, 2, 9.0, latency={"median_milliseconds": 2.0})
    [candidate] = search.gather_candidates([partly])
    assert candidate.latency_range is None
    assert candidate.quantity("latency_milliseconds") == 2.0


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"student.depth": 16, "student.width": 2}, "WRN-16-2"),
        (
            {"student.network": "resnet", "student.depth": 20, "student.width": 1},
            "resnet-20-1",
        ),
        ({"student.depth": 16}, "depth 16"),
        (
            {"training.learning_rate": 0.0123456, "distillation.loss": ["hint", "logit_l1"]},
            "learning_rate 0.01235, loss hint, logit_l1",
        ),
        ({}, "the student"),
    ],
)
def test_a_candidate_is_named_by_its_values(values, name):
    assert search.name_candidate(values) == name
