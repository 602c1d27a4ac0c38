import pytest

from kd_keras.report import figures


def point(label, milliseconds, error, *, size=1000, on_front=True, spread=0.1):
    limits = None
    if spread is not None:
        limits = (milliseconds * (1 - spread), milliseconds * (1 + spread))
    return figures.FrontPoint(
        label=label,
        milliseconds=milliseconds,
        range_milliseconds=limits,
        error_percent=error,
        size=size,
        on_front=on_front,
    )


POINTS = [
    point("best", 4.0, 5.0, size=4_000_000),
    point("beaten", 3.0, 9.0, on_front=False, size=None, spread=None),
    point("quickest", 0.5, 12.0, size=10_000),
    point("between", 1.0, 8.0, size=1_000_000),
]


def draw():
    [axes] = figures.draw_front.__wrapped__(POINTS, y_label="error in %").axes
    return axes


def test_the_line_joins_the_front_in_the_order_of_time():
    [line] = draw().lines
    assert line.get_xydata().tolist() == [[0.5, 12.0], [1.0, 8.0], [4.0, 5.0]]
    assert line.get_drawstyle() == "steps-post"


def test_the_front_alone_is_named():
    assert {text.get_text() for text in draw().texts} == {"best", "quickest", "between"}
    assert draw().get_xscale() == "log"


def test_a_larger_file_has_a_larger_mark():
    from matplotlib.collections import LineCollection, PathCollection

    marks = [c for c in draw().collections if isinstance(c, PathCollection)]
    area = {tuple(mark.get_offsets()[0]): mark.get_sizes()[0] for mark in marks}
    assert area[4.0, 5.0] == 200
    assert area[0.5, 12.0] == area[3.0, 9.0] == 18
    assert area[1.0, 8.0] == pytest.approx(18 + 182 * (1000 - 100) / (2000 - 100))
    bars = [c for c in draw().collections if isinstance(c, LineCollection)]
    assert len(bars) == 3  # one has no range


def test_one_student_alone_is_drawn():
    svg = figures.draw_front([point("only", 1.0, 5.0)], y_label="error in %")
    assert ">only<" in svg
