import numpy as np
import pytest

from kd_keras.report import drawing, figures

LINES = [
    figures.Line(label="a", colour="student", epochs=(1, 2, 3), values=(9.0, 5.0, 4.0)),
    figures.Line(
        label="b",
        colour="control",
        epochs=(1, 2),
        values=(8.0, 7.0),
        band=((7, 6), (9, 8)),
        dashed=True,
    ),
]


def draw(*arguments, **options):
    return figures.draw_lines.__wrapped__(*arguments, **options)


def test_lines_have_their_values_and_styles():
    [axes] = draw(LINES, y_label="error in %").axes
    for line, drawn in zip(LINES, axes.lines, strict=True):
        np.testing.assert_array_equal(drawn.get_xydata().T, [line.epochs, line.values])
        assert drawn.get_color() == drawing.colour(line.colour)
    assert [drawn.get_linestyle() for drawn in axes.lines] == ["-", "--"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "error in %")


def test_a_band_goes_from_the_lowest_to_the_highest():
    [axes] = draw(LINES, y_label="y").axes
    [band] = axes.collections
    corners = band.get_paths()[0].vertices
    assert {tuple(corner) for corner in corners} == {(1, 7), (1, 9), (2, 6), (2, 8)}


def test_the_reference_is_a_line_of_the_legend():
    figure = draw(LINES, y_label="y", reference=(5.99, "guessing"))
    assert list(figure.axes[0].lines[-1].get_ydata()) == [5.99, 5.99]
    assert [text.get_text() for text in figure.legends[0].texts] == ["a", "b", "guessing"]


def test_percent_shows_the_whole_range():
    low, high = draw(LINES, y_label="y", percent=True).axes[0].get_ylim()
    assert low <= 0
    assert high >= 100


@pytest.mark.parametrize(("count", "marker"), [(1, "o"), (12, "o"), (13, "")])
def test_a_few_epochs_are_marked(count, marker):
    line = figures.Line(label="a", colour="student", epochs=range(count), values=range(count))
    [drawn] = draw([line], y_label="y").axes[0].lines
    assert drawn.get_marker().replace("None", "") == marker


def test_it_becomes_an_svg():
    assert figures.draw_lines(LINES, y_label="y").startswith("<svg")
