import numpy as np
import pytest

from kd_keras.report import figures

generator = np.random.default_rng(0)
HISTOGRAMS = [
    figures.Histogram(
        label=label,
        colour=colour,
        of_class=generator.normal(8, 1, 10),
        of_others=generator.normal(0, 1, 90),
    )
    for label, colour in (("student from scratch", "control"), ("teacher", "teacher"))
]


def draw(histograms=HISTOGRAMS):
    return figures.draw_histograms.__wrapped__(histograms, class_name="cat")


def test_each_network_has_a_panel_over_one_axis():
    panels = draw().axes
    assert len(panels) == 2
    assert len({panel.get_xlim() for panel in panels}) == 1
    assert panels[1].get_xlabel() == "logit of cat, no unit"


def test_each_group_adds_up_to_100_percent():
    for panel, histogram in zip(draw().axes, HISTOGRAMS, strict=True):
        others, _, of_class, _ = panel.patches
        for drawn, logits in ((others, histogram.of_others), (of_class, histogram.of_class)):
            data = drawn.get_data()
            assert len(data.values) == 48
            assert data.values.sum() == pytest.approx(100)
            counts = np.histogram(logits, data.edges)[0]
            assert data.values == pytest.approx(100 * counts / len(logits))


def test_mean_and_deviation_are_written():
    histogram = HISTOGRAMS[0]
    title = draw().axes[0].get_title(loc="left")
    assert title == (
        "student from scratch\n"
        f"images of cat: {histogram.of_class.mean():.1f} ± {histogram.of_class.std():.1f}, "
        f"other classes: {histogram.of_others.mean():.1f} ± {histogram.of_others.std():.1f}"
    )


def test_a_class_without_images_is_empty():
    empty = figures.Histogram(
        label="a", colour="student", of_class=np.zeros(0), of_others=np.arange(5.0)
    )
    [panel] = draw([empty]).axes
    assert panel.patches[2].get_data().values.sum() == 0
    assert "images of cat" not in panel.get_title(loc="left")


def test_it_becomes_an_svg():
    assert figures.draw_histograms(HISTOGRAMS, class_name="cat").startswith("<svg")
