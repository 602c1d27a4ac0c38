import numpy as np
import pytest

from kd_keras.report import drawing, figures


def point(line, network, size, errors):
    return figures.Point(
        line=line, colour="student", network=network, size=size, errors_percent=errors
    )


POINTS = [
    point("adversarial", "wide_resnet-10-2", 4e6, (6.0, 7.0, 9.0)),
    point("adversarial", "wide_resnet-10-1", 1e6, (12.0,)),
    point("scratch", "wide_resnet-10-1", 1e6, (14.0, 15.0)),
]


def draw():
    return figures.draw_sizes.__wrapped__(POINTS, x_label="multiply-adds")


def test_a_line_joins_the_medians_of_one_method_by_size():
    [axes] = draw().axes
    lines = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert lines == [[[1e6, 12.0], [4e6, 7.0]], [[1e6, 14.5]]]
    assert axes.get_xscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("multiply-adds", "error in %")


def test_bars_go_from_the_best_run_to_the_worst():
    bars = [bar for collection in draw().axes[0].collections for bar in collection.get_segments()]
    assert np.array(bars)[:, :, 1].tolist() == [[12, 12], [6, 9], [14, 15]]


def test_each_network_is_named_once_at_its_highest_point():
    written = {text.get_text(): text.xy for text in draw().axes[0].texts}
    assert written == {"wide_resnet-10-2": (4e6, 9.0), "wide_resnet-10-1": (1e6, 15.0)}


def test_the_legend_has_each_line():
    [legend] = draw().legends
    assert [text.get_text() for text in legend.texts] == ["adversarial", "scratch"]


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (20, "20"), (2e3, "2k"), (5e6, "5M"), (1e9, "1G")]
)
def test_sizes_are_written_short(value, text):
    assert drawing.with_unit(value) == text


def test_sizes_that_lie_near_each_other_have_ticks():
    near = [point("a", "n1", 6.5, (1.0,)), point("a", "n2", 12.0, (2.0,))]
    figure = figures.draw_sizes.__wrapped__(near, x_label="ms")
    low, high = figure.axes[0].get_xlim()
    ticks = [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high]
    assert len(ticks) >= 3


def test_it_becomes_an_svg():
    svg = figures.draw_sizes(POINTS, x_label="x")
    assert ">1M<" in svg
