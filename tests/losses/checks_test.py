import math

import pytest

from kd_keras.losses import checks


@pytest.mark.parametrize(
    ("function", "accepted", "refused", "expected"),
    [
        (checks.above_zero, [1e-9, 3], [0, -1.0, math.inf, math.nan], "a number above 0"),
        (checks.not_negative, [0, 2.5], [-1e-9, math.inf, math.nan], "0 or more"),
        (checks.up_to_one, [1e-9, 1], [0, 1.1, math.nan], "above 0 and no more than 1"),
        (
            checks.fraction,
            [0.0, 0.99],
            [1.0, -0.1, math.nan],
            "a number from 0 up to but not including 1",
        ),
    ],
)
def test_numbers_in_a_range(function, accepted, refused, expected):
    assert [function("x", value) for value in accepted] == accepted
    for value in refused:
        with pytest.raises(ValueError, match="Invalid value for x") as caught:
            function("x", value)
        assert str(caught.value) == f"Invalid value for x. Expected {expected}. Received: {value}."


def test_whole_numbers():
    assert checks.whole_number("x", 3, lowest=2, highest=3) == 3
    assert checks.whole_number("x", 99, lowest=2) == 99
    whole = checks.whole_number("x", 4.0, lowest=2)
    assert isinstance(whole, int)
    for value in (1, 4, 2.5, math.inf, math.nan):
        with pytest.raises(ValueError, match=rf"a whole number from 2 to 3\. Received: {value}"):
            checks.whole_number("x", value, lowest=2, highest=3)


def test_names():
    assert checks.one_of("form", ("soft", "hard"), "soft") == "soft"
    with pytest.raises(ValueError, match=r"Unknown form\..*Received: sotf\. Did you mean soft\?"):
        checks.one_of("form", ("soft", "hard"), "sotf")
