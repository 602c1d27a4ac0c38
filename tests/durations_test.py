import pytest

from kd_keras import durations


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (75, "1 min 15 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (7325, "2 h 02 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_a_duration_in_its_two_largest_units(seconds, text):
    assert durations.format_duration(seconds) == text
