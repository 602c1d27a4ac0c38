import pytest

from kd_keras import schedules
from kd_keras.schedules import Point


def test_points_are_steps_and_lines():
    assert schedules.read_schedule("2:0.5") == (Point(2, 0.5),)
    assert schedules.read_schedule("1:0+6:4~30:1e0") == (
        Point(1, 0.0),
        Point(6, 4.0),
        Point(30, 1.0, straight=True),
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1:0+3:4", [0, 0, 4, 4, 4, 4]),
        ("1:0+3:4~5:1", [0, 0, 4, 2.5, 1, 1]),
        ("3:4", [7, 7, 4, 4, 4, 4]),
        ("2:1~4:0+5:3", [7, 1, 0.5, 0, 3, 3]),
    ],
)
def test_a_value_in_every_epoch(text, values):
    points = schedules.read_schedule(text)
    assert [schedules.value_at(points, epoch, 7.0) for epoch in range(1, 7)] == values


@pytest.mark.parametrize(
    "text",
    ["", "1", "1:", ":1", "1:a", "0:1", "2:1+1:0", "1:1+1:2", "1:-1", "1:inf", "1:nan", "~1:1"],
)
def test_what_is_not_understood_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="Expected EPOCH:VALUE") as caught:
        schedules.read_schedule(text)
    assert str(caught.value) == (
        "Expected EPOCH:VALUE points with + (a step) or ~ (a straight line) between them, values "
        f"of 0 or more, epochs from 1 in ascending order, as in 1:0+6:4~30:1. Received: {text!r}."
    )
