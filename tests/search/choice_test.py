import math
import re

import pytest

from kd_keras import search
from tests.search.trials import make_search, make_trial


def names(candidates):
    return [candidate.name for candidate in candidates]


def test_the_lowest_error_within_the_limit_is_taken():
    choice = search.choose(make_search(), max_latency_milliseconds=2.0)
    assert choice.student.name == "WRN-16-2"
    assert names(choice.fitting) == ["WRN-16-2", "WRN-10-2", "WRN-16-1", "WRN-10-1"]
    assert names(choice.beyond) == ["WRN-10-4", "WRN-16-4"]
    assert choice.next_better.name == "WRN-10-4"
    assert choice.runner_up.name == "WRN-10-2"


def test_it_is_the_best_of_all_by_brute_force():
    trials = make_search()
    for limit in (0.5, 0.95, 1.0, 1.79, 2.9, 3.0, 100.0):
        for size in (50_000, 200_000, 10**7):
            choice = search.choose(trials, max_latency_milliseconds=limit, max_size_bytes=size)
            fitting = [
                t
                for t in trials
                if t.status == "finished" and t.latency_milliseconds <= limit
                if t.size_bytes <= size
            ]
            best = min(fitting, key=lambda t: t.validation_error_percent, default=None)
            expected = best and search.name_candidate(best.values)
            assert (choice.student and choice.student.name) == expected


def test_the_test_error_has_no_part_in_it():
    trials = [
        make_trial(10, 1, 9.0, 1.0, test_error_percent=20.0),
        make_trial(10, 2, 9.1, 1.0, test_error_percent=5.0),
    ]
    assert search.choose(trials).student.name == "WRN-10-1"


def test_of_equally_good_ones_the_quickest_is_taken():
    trials = [make_trial(10, 2, 9.0, 2.0), make_trial(16, 1, 9.0, 1.5), make_trial(10, 1, 9.5, 1.0)]
    assert names(search.choose(trials).fitting) == ["WRN-16-1", "WRN-10-2", "WRN-10-1"]


@pytest.mark.parametrize(
    ("limit", "quantity", "value", "name"),
    [
        ("max_parameters", "parameters", 25_000, "WRN-16-1"),
        ("max_multiply_adds", "multiply_adds", 25 * 10**5, "WRN-16-1"),
        ("max_size_bytes", "size_bytes", 170_000, "WRN-10-2"),
    ],
)
def test_every_limit_counts(limit, quantity, value, name):
    choice = search.choose(make_search(), **{limit: value})
    assert choice.student.name == name
    assert choice.limits == {quantity: value}
    assert all(candidate.quantity(quantity) <= value for candidate in choice.fitting)
    assert all(candidate.quantity(quantity) > value for candidate in choice.beyond)


def test_a_limit_is_kept_by_what_is_just_at_it():
    assert search.choose(make_search(), max_latency_milliseconds=1.8).student.name == "WRN-16-2"


def test_what_was_not_measured_does_not_fit():
    trials = [make_trial(10, 1, 9.0, 1.0), make_trial(10, 2, 8.0)]
    choice = search.choose(trials, max_latency_milliseconds=5.0)
    assert choice.student.name == "WRN-10-1"
    assert math.isinf(choice.strain(choice.beyond[0]))
    assert choice.next_better is None
    assert search.choose(trials).student.name == "WRN-10-2"


def test_where_nothing_fits_the_closest_is_known():
    choice = search.choose(make_search(), max_latency_milliseconds=0.4, max_parameters=20_000)
    assert choice.student is None
    assert choice.next_better is None
    assert choice.closest.name == "WRN-10-1"
    assert choice.strain(choice.closest) == pytest.approx(1.25)
    unknown = search.choose([make_trial(10, 1, 9.0)], max_latency_milliseconds=1.0)
    assert unknown.closest is None


def test_the_gain_over_the_next_is_taken_seed_by_seed():
    trials = [
        make_trial(10, width, error, seed=seed)
        for width, errors in ((1, (9.0, 9.4, 9.2)), (2, (8.0, 8.2, 8.4)))
        for seed, error in enumerate(errors)
    ]
    gain = search.choose(trials).gain
    mean = (1.0 + 1.2 + 0.8) / 3
    half = 4.303 * 0.2 / math.sqrt(3)  # Student's, two degrees of freedom
    assert gain == pytest.approx(
        {"mean": mean, "low": mean - half, "high": mean + half, "num_seeds": 3}, rel=1e-3
    )
    assert search.choose(trials[:3]).gain is None


def test_nothing_finished_is_refused():
    trials = [trial for trial in make_search() if trial.status != "finished"]
    sentence = (
        "Nothing to choose from. Expected at least one finished trial with a validation error. "
        "Received: 1 failed, 1 skipped."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        search.choose(trials)
    with pytest.raises(ValueError, match="Received: none"):
        search.choose([])
    with pytest.raises(ValueError, match="Received: 1 finished without a validation error"):
        search.choose([make_trial(10, 1, None)])


@pytest.mark.parametrize("limit", [0, -1.0, math.nan])
def test_a_limit_is_above_0(limit):
    with pytest.raises(ValueError, match="Invalid value for max_parameters"):
        search.choose(make_search(), max_parameters=limit)
