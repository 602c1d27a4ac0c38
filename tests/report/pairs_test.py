import pytest

from kd_keras import intervals
from kd_keras.report import pairs


def _method(label, errors):
    runs = [
        {
            "seed": seed,
            "status": "missing" if error is None else "finished",
            "best_error_percent": error,
            "last_error_percent": error and 2 * error,
        }
        for seed, error in enumerate(errors)
    ]
    return {"label": label, "runs": runs}


def _compare(**errors):
    return {"methods": [_method(label, own) for label, own in errors.items()]}


@pytest.fixture
def three():
    return _compare(scratch=[9.0, 10.0, 9.5], soft=[8.0, 8.5, 9.0], ours=[7.0, 8.0, None])


def test_each_method_beside_each_other_on_the_seeds_that_both_have(three):
    rows = pairs.pair_rows(three)
    assert [row["method"] for row in rows] == ["scratch", "soft", "ours"]
    assert list(rows[0]) == ["method", "over scratch", "over soft", "over ours"]
    assert [row[f"over {row['method']}"] for row in rows] == [None] * 3
    expected = intervals.paired_gain({0: 8.0, 1: 8.5}, {0: 7.0, 1: 8.0})
    assert expected["mean"] == 0.75
    said = f"+0.75 ({expected['low']:+.2f} to {expected['high']:+.2f})"
    assert rows[2]["over soft"] == said
    assert rows[1]["over ours"].startswith("-0.75 (")
    assert rows[1]["over scratch"].startswith("+1.00 (")


def test_the_last_epochs_errors_are_others(three):
    assert pairs.pair_rows(three, "last")[2]["over soft"].startswith("+1.50 (")


def test_of_one_seed_there_is_no_interval():
    rows = pairs.pair_rows(_compare(a=[3.0], b=[2.5], c=[3.25]))
    assert [row["over a"] for row in rows] == [None, "+0.50", "-0.25"]


def test_methods_without_a_common_seed_have_no_difference():
    rows = pairs.pair_rows(_compare(a=[3.0, None], b=[None, 2.5], c=[3.0, 2.0]))
    assert rows[1]["over a"] is None


def test_there_is_no_table_of_two_or_of_too_many():
    assert pairs.pair_rows(_compare(a=[3.0], b=[2.0], c=[None])) == []
    many = {f"m{number}": [3.0] for number in range(9)}
    assert pairs.pair_rows(_compare(**many)) == []
    many.pop("m8")
    assert len(pairs.pair_rows(_compare(**many))) == 8
