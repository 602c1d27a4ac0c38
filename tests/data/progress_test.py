import io

import pytest

from kd_keras.data import progress


def report(times, sizes):
    """Read pieces of some sizes; the clock shows the next time at each look."""
    stream, clock = io.StringIO(), iter(times)
    pieces = [(range(size),) for size in sizes]
    read = progress.reported(
        pieces, sum(sizes), "made train", stream=stream, clock=lambda: next(clock)
    )
    assert list(read) == pieces
    return stream.getvalue().splitlines()


def test_a_short_reading_says_nothing():
    assert report([0, 3, 6, 9], [1, 1, 1]) == []


def test_a_line_says_how_far_it_is_and_how_long_it_takes():
    assert report([0, 20, 40, 60, 80], [1000, 1000, 1000, 1000]) == [
        "made train: 1,000 of 4,000 images, 1 min 00 s left",
        "made train: 2,000 of 4,000 images, 40 s left",
        "made train: 3,000 of 4,000 images, 20 s left",
    ]


def test_lines_are_ten_seconds_apart():
    lines = report([0, 6, 12, 18, 24, 30], [1, 1, 1, 1, 1])
    assert lines == [
        "made train: 2 of 5 images, 18 s left",
        "made train: 4 of 5 images, 6 s left",
    ]


def test_lines_go_to_standard_error(capsys):
    clock = iter([0, 20, 40])
    list(progress.reported([([1],), ([2],)], 2, "two", clock=lambda: next(clock)))
    assert capsys.readouterr().err == "two: 1 of 2 images, 20 s left\n"


@pytest.mark.parametrize(
    ("seconds", "words"), [(20, "20 s"), (600, "10 min 00 s"), (9000, "2 h 30 min")]
)
def test_time_left_is_in_a_fitting_unit(seconds, words):
    lines = report([0, seconds, 2 * seconds], [1, 1])
    assert lines == [f"made train: 1 of 2 images, {words} left"]
