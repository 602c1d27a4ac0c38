import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from kd_keras.report import drawing, palette

NAMES = "$_{x}$ <b>&amp;", "_hidden", "猫"


@drawing.as_svg
def draw(names=NAMES):
    figure = drawing.new_figure(height=144)
    axes = figure.subplots()
    handles = [axes.plot([1, 2], [3, i], color=drawing.colour("student"))[0] for i in range(3)]
    axes.fill_between([1, 2], [1, 1], [2, 2], color=drawing.colour("control"), alpha=0.3)
    drawing.tidy_axes(axes)
    figure.legend(handles, names, loc="outside upper left")
    return figure


def texts(svg):
    root = ElementTree.fromstring(svg)
    return [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_text_stays_text_whatever_is_in_it():
    assert set(NAMES) <= set(texts(draw()))


def test_the_same_drawing_gives_the_same_file():
    assert draw() == draw()


def test_the_ground_is_transparent_and_nothing_else_is_set_for_the_page():
    svg = draw()
    assert "<style" not in svg
    assert "metadata" not in svg
    assert "#ffffff" not in svg
    assert "font-family:" not in svg


def test_the_size_is_in_points():
    root = ElementTree.fromstring(draw())
    assert (root.get("width"), root.get("height")) == ("360pt", "144pt")


def test_a_drawing_on_the_page_follows_its_colours():
    svg = drawing.inline(draw(), name="curve", description="A curve.")
    assert "var(--student)" in svg
    assert "var(--control)" in svg
    assert not re.search(r"#[0-9a-f]{6}", svg)
    root = ElementTree.fromstring(svg)
    assert (root.get("role"), root.get("aria-label")) == ("img", "A curve.")
    assert root.get("width") is None


def test_drawings_on_one_page_share_no_names():
    svgs = [drawing.inline(draw(), name=name, description="") for name in ("a", "b")]
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in svgs]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, known in zip(svgs, ids, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) == known


def test_a_drawing_may_keep_its_size():
    svg = drawing.inline(draw(), name="a", description="", keep_size=True)
    assert "width: 450px; min-width: 324px" in ElementTree.fromstring(svg).get("style")


@pytest.mark.parametrize(("text", "short"), [("abc", "abc"), ("abcd", "ab…")])
def test_a_long_text_is_cut(text, short):
    assert drawing.shorten(text, 3) == short


def test_a_colour_is_the_fixed_one():
    assert drawing.colour("teacher") == palette.COLOURS["teacher"][0]


def test_neither_pyplot_nor_tensorflow_is_needed():
    script = (
        "import sys\n"
        "from kd_keras.report import figures, page\n"
        "figures.draw_seeds([('a', 'student', (1.0,))], x_label='x')\n"
        "loaded = {'matplotlib.pyplot', 'tensorflow', 'keras'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((1.0, 100.0), (1, 2, 5, 10, 20, 50, 100)),
        ((0.08, 0.36), (0.1, 0.2, 0.3)),
        ((6.5, 12.0), (7, 8, 9, 10)),
        ((3.0, 3.0), (3,)),
    ],
)
def test_a_logarithmic_axis_has_some_ticks_but_not_too_many(values, ticks):
    axes = drawing.new_figure(height=144).subplots()
    axes.plot(values, values)
    axes.set_xscale("log")
    drawing.write_logarithmic_ticks(axes.xaxis, values)
    shown = [
        tick for tick in axes.get_xticks() if min(values) <= tick * 1.001 <= max(values) * 1.01
    ]
    assert shown == pytest.approx(ticks)
