import math

import numpy as np
import pytest

from kd_keras import intervals

# Student's distribution, the 97.5% quantile by degrees of freedom, from a printed table.
QUANTILES = {1: 12.706, 2: 4.303, 4: 2.776, 9: 2.262}


def test_median_mean_and_sample_deviation():
    errors = [28.9, 28.4, 29.3, 28.5, 28.7]
    mean = sum(errors) / 5
    deviation = math.sqrt(sum((error - mean) ** 2 for error in errors) / 4)
    found = intervals.summarize_errors(errors)
    assert found == pytest.approx(
        {"median": 28.7, "mean": mean, "standard_deviation": deviation}, rel=1e-12
    )
    assert intervals.summarize_errors([1.0, 2.0, 4.0, 9.0])["median"] == 3.0


def test_one_run_has_no_deviation_and_none_has_nothing():
    assert intervals.summarize_errors([7.5]) == {
        "median": 7.5,
        "mean": 7.5,
        "standard_deviation": None,
    }
    assert set(intervals.summarize_errors([]).values()) == {None}


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_the_interval_is_students_of_the_differences(seeds):
    random = np.random.default_rng(seeds)
    control = dict(enumerate(random.normal(8, 3, seeds)))
    method = {seed: error - random.normal(1.5, 0.2) for seed, error in control.items()}
    differences = np.array([control[seed] - method[seed] for seed in range(seeds)])
    mean = differences.sum() / seeds
    deviation = math.sqrt(((differences - mean) ** 2).sum() / (seeds - 1))
    half = QUANTILES[seeds - 1] * deviation / math.sqrt(seeds)
    gain = intervals.paired_gain(control, method)
    assert gain["num_seeds"] == seeds
    assert gain["mean"] == pytest.approx(mean)
    assert gain["low"] == pytest.approx(mean - half, rel=1e-3)
    assert gain["high"] == pytest.approx(mean + half, rel=1e-3)


def test_what_the_seed_does_to_both_cancels():
    control = {0: 10.0, 1: 20.0, 2: 30.0}
    method = {0: 8.9, 1: 19.0, 2: 29.1}
    gain = intervals.paired_gain(control, method)
    assert 0 < gain["low"] < gain["mean"] < gain["high"] < 2


def test_only_common_seeds_are_compared():
    control, method = {0: 10.0, 1: 11.0, 2: 99.0}, {7: 0.0, 1: 9.0, 0: 9.0}
    gain = intervals.paired_gain(control, method)
    assert gain == intervals.paired_gain({0: 10.0, 1: 11.0}, {0: 9.0, 1: 9.0})
    assert (gain["mean"], gain["num_seeds"]) == (1.5, 2)
    assert intervals.paired_gain({0: 1.0}, {1: 1.0}) is None
    assert intervals.paired_gain({}, {}) is None


@pytest.mark.parametrize(
    ("control", "method"),
    [({3: 10.0}, {3: 8.0}), ({0: 10.0, 1: 10.1}, {0: 8.0, 1: 8.1}), ({0: 2.0, 1: 2.0},) * 2],
)
def test_where_the_spread_is_unknown_there_is_no_interval(control, method):
    gain = intervals.paired_gain(control, method)
    assert (gain["low"], gain["high"]) == (None, None)
    assert gain["num_seeds"] == len(control)
