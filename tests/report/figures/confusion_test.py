import pytest
from matplotlib import colors

from kd_keras.report import drawing, figures

MATRIX = [[98, 2, 0], [10, 70, 20], [0, 0, 0]]
NAMES = ("ant", "bee", "a very long name of a class")


def draw():
    return figures.draw_confusion.__wrapped__(MATRIX, class_names=NAMES)


def cells():
    [axes] = draw().axes
    return {patch.get_xy(): patch.get_facecolor() for patch in axes.patches}


def test_there_is_a_cell_for_each_label_and_answer():
    assert set(cells()) == {(answer, label) for answer in range(3) for label in range(3)}


def test_mistakes_are_in_colour_and_the_rest_is_grey():
    found = cells()
    assert found[1, 0][:3] == pytest.approx(colors.to_rgb(drawing.colour("control")))
    assert found[1, 1][:3] == pytest.approx(colors.to_rgb(drawing.colour("muted")))


def test_the_more_often_the_stronger():
    found = cells()
    assert found[2, 1][3] == pytest.approx(2 * found[0, 1][3])
    assert found[0, 0][3] == pytest.approx(98 / 70 * found[1, 1][3])
    assert found[0, 2][3] == 0


def test_percent_of_the_label_are_written():
    [axes] = draw().axes
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {
        (0.5, 0.5): "98",
        (1.5, 0.5): "2",
        (0.5, 1.5): "10",
        (1.5, 1.5): "70",
        (2.5, 1.5): "20",
    }


def test_a_number_that_rounds_to_nothing_is_not_written():
    [axes] = figures.draw_confusion.__wrapped__([[199, 1], [0, 1]], class_names="ab").axes
    assert [text.get_text() for text in axes.texts] == ["100", "100"]


def test_rows_are_labels_and_columns_are_answers():
    [axes] = draw().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "ant",
        "bee",
        "a very long n…",
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("taken for", "label")
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_more_classes_make_it_larger():
    wide = figures.draw_confusion.__wrapped__([[1] * 20] * 20, class_names=["a"] * 20)
    assert wide.get_figwidth() > draw().get_figwidth()
    assert figures.draw_confusion(MATRIX, class_names=NAMES).startswith("<svg")
