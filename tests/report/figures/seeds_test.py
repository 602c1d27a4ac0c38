from kd_keras.report import figures

ROWS = [("scratch", "control", (7.0, 9.0, 8.5)), ("none", "student", ())]


def draw(**options):
    return figures.draw_seeds.__wrapped__(ROWS, x_label="test error in %", **options)


def test_each_run_is_a_dot_in_its_methods_row():
    [axes] = draw().axes
    assert axes.lines[0].get_xydata().tolist() == [[7.0, 0], [9.0, 0], [8.5, 0]]
    assert len(axes.lines[1].get_xdata()) == 0
    assert axes.get_xlabel() == "test error in %"


def test_the_median_is_drawn_and_written():
    [axes] = draw().axes
    [median] = axes.collections
    assert {x for x, _ in median.get_segments()[0]} == {8.5}
    assert [text.get_text() for text in axes.texts] == ["scratch  8.50", "none"]


def test_the_first_row_is_on_top():
    bottom, top = draw().axes[0].get_ylim()
    assert bottom > 1 > 0 > top


def test_the_teacher_is_a_line():
    [axes] = draw(teacher_error=4.25).axes
    segments = axes.collections[-1].get_segments()
    assert len(segments) == len(ROWS)
    assert {x for segment in segments for x, _ in segment} == {4.25}
    assert axes.get_title(loc="left") == "dashed: the teacher, 4.25"


def test_it_becomes_an_svg():
    assert figures.draw_seeds(ROWS, x_label="x").startswith("<svg")
