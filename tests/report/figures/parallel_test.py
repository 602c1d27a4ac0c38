import math

import pytest

from kd_keras.report import figures


@pytest.mark.parametrize(
    ("values", "heights"),
    [
        ((1, 2, 4), (0, 1 / 3, 1)),
        ((1.0, 10.0, 100.0), (0, 0.5, 1)),  # a ratio of 30 and more is logarithmic
        (("b", "a", None, "c"), (0.5, 0, None, 1)),
        ((True, False), (1, 0)),
        ((3, 3), (0.5, 0.5)),
        ((0, 100), (0, 1)),
    ],
)
def test_an_axis_places_its_values(values, heights):
    found = figures.Coordinate(name="a", values=values).heights
    assert found == pytest.approx(heights)


def draw(coordinates, chosen):
    [axes] = figures.draw_parallel.__wrapped__(coordinates, chosen=chosen).axes
    return axes


COORDINATES = [
    figures.Coordinate(name="depth", values=(10, 16, 16)),
    figures.Coordinate(name="loss", values=("hint", None, "logit_l1")),
    figures.Coordinate(name="error in %", values=(9.0, 8.0, 7.0)),
]


def test_each_student_is_a_line_and_the_chosen_are_on_top():
    axes = draw(COORDINATES, (True, False, False))
    lines = [line.get_ydata().tolist() for line in axes.lines if len(line.get_xdata()) == 3]
    assert lines[-1] == [0, 0, 1]
    assert math.isnan(lines[0][1])
    assert len(lines) == 3


def test_values_and_names_are_written():
    axes = draw(COORDINATES, (True, False, False))
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "depth",
        "loss",
        "error\nin\n%",
    ]
    assert {text.get_text() for text in axes.texts} == {
        "10",
        "16",
        "hint",
        "logit_l1",
        "9",
        "8",
        "7",
    }


def test_of_many_values_the_ends_are_written():
    many = figures.Coordinate(name="rate", values=tuple(i / 100 for i in range(1, 21)))
    axes = draw([many], (False,) * 20)
    assert [text.get_text() for text in axes.texts] == ["0.01", "0.2"]


def test_it_becomes_an_svg():
    assert ">logit_l1<" in figures.draw_parallel(COORDINATES, chosen=(True, True, False))
