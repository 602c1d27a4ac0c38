import numpy as np
import pytest

from kd_keras import metrics
from kd_keras.report import figures

BINS = metrics.calibration_bins([[4.0, 0.0], [0.0, 4.0], [1.0, 0.0]], [0, 0, 0], num_bins=5)


def draw():
    return figures.draw_reliability.__wrapped__(BINS, label="teacher", error=2.5, colour="teacher")


def test_there_is_a_dot_for_each_bin_that_has_images():
    above, _ = draw().axes
    dots = above.collections[-1].get_offsets()
    sure, unsure = 1 / (1 + np.exp(-4.0)), 1 / (1 + np.exp(-1.0))
    assert np.asarray(dots) == pytest.approx(np.array([[100 * unsure, 100], [100 * sure, 50]]))


def test_more_images_make_a_larger_dot():
    areas = draw().axes[0].collections[-1].get_sizes()
    assert areas[1] > areas[0]


def test_the_shares_of_the_images_are_below():
    _, below = draw().axes
    [bars] = below.patches
    assert bars.get_data().values == pytest.approx([0, 0, 0, 100 / 3, 200 / 3])


def test_the_diagonal_and_the_error_are_there():
    above, below = draw().axes
    assert above.lines[0].get_xydata().tolist() == [[0, 0], [100, 100]]
    assert above.get_title(loc="left") == "teacher, ECE 2.50%"
    assert below.get_xlabel() == "probability of the answer, in %"


def test_it_becomes_an_svg():
    svg = figures.draw_reliability(BINS, label="a", error=1.0, colour="student")
    assert svg.startswith("<svg")
