import pytest

from kd_keras import report
from kd_keras.report.sections import alternatives
from tests.report import samples


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """The points of every figure, which is not drawn."""
    found = []

    def draw(points, y_label):
        found.append(points)
        return "<svg/>"

    monkeypatch.setattr(alternatives.figures, "draw_front", draw)
    return found


def make(run, milliseconds, error, **values):
    return report.Alternative(
        run=run,
        kind="distilled student",
        error_percent=error,
        size_bytes=2000,
        median_milliseconds=milliseconds,
        percentile95_milliseconds=2 * milliseconds,
        **{"file": f"{run}.tflite", "passed": True, **values},
    )


def describe(*found, **changes):
    return alternatives.describe(samples.run_content(alternatives=found, **changes))


def test_each_file_has_a_row_and_the_best_so_far_are_marked():
    section = describe(
        make("small", 0.5, 10.0), make("other", 0.75, 12.0, passed=False), make("big", 2.0, 8.0)
    )
    [table] = section.tables  # nothing is compared: no file is of the page's own run
    assert table.rows[1] == {
        "run": "other",
        "what": "distilled student",
        "file": "other.tflite",
        "error %": 12.0,
        "ms per image": 0.75,
        "95% of calls, ms": 1.5,
        "kB": 2.0,
        "verdict": "FAIL",
        "best so far": "",
    }
    assert [row["best so far"] for row in table.rows] == ["yes", "", "yes"]


def test_the_figure_has_every_file_and_a_line_through_the_best_so_far(drawn):
    section = describe(
        make("small", 0.5, 10.0, file="tflite_int8.tflite"),
        make("a name without end", 0.75, 12.0, file="saved_model"),
    )
    first, second = drawn[0]
    assert (first.label, first.milliseconds, first.error_percent, first.size, first.on_front) == (
        "small int8",
        0.5,
        10.0,
        2000,
        True,
    )
    assert (second.label, second.on_front) == ("distilled student saved_model", False)
    [drawing] = section.figures[0].drawings
    assert drawing.description == (
        "small int8 10.00% at 0.50 ms; distilled student saved_model 12.00% at 0.75 ms"
    )


def test_the_sentence_compares_at_the_time_of_the_fastest_own_file():
    section = describe(
        make("pruned", 0.4, 15.0),
        make("small", 0.5, 10.0, is_own=True),
        make("pruned", 0.54, 12.0),
        make("pruned", 0.6, 9.0),
        make("big", 2.0, 8.0),
    )
    assert section.paragraphs == (
        "In the time of the fastest file of small (0.50 ms, and up to a tenth more): pruned errs "
        "on 12.00% (pruned.tflite); small errs on 10.00% (small.tflite); big has no file as fast.",
    )


def test_in_the_time_of_each_own_file_worth_it_stands_the_best_of_each_other_run():
    section = describe(
        make("pruned", 0.4, 15.0),
        make("small", 0.5, 10.0, file="int8", is_own=True),
        make("pruned", 0.54, 12.0, file="late"),
        make("small", 0.6, 11.0, file="slower and worse", is_own=True),
        make("small", 1.0, 9.5, file="float32", is_own=True),
        make("big", 1.1, 8.0, file="large"),
    )
    _, table = section.tables
    own = {"in the time of": "int8", "its ms": 0.5, "its error %": 10.0}
    assert table.rows == (
        {
            **own,
            "run": "pruned",
            "file": "late",
            "ms per image": 0.54,
            "error %": 12.0,
            "points above it": 2.0,
        },
        {
            **own,
            "run": "big",
            "file": "none as fast",
            "ms per image": None,
            "error %": None,
            "points above it": None,
        },
        {
            "in the time of": "float32",
            "its ms": 1.0,
            "its error %": 9.5,
            "run": "pruned",
            "file": "late",
            "ms per image": 0.54,
            "error %": 12.0,
            "points above it": 2.5,
        },
        {
            "in the time of": "float32",
            "its ms": 1.0,
            "its error %": 9.5,
            "run": "big",
            "file": "large",
            "ms per image": 1.1,
            "error %": 8.0,
            "points above it": -1.5,
        },
    )


def test_a_run_that_is_called_as_the_page_is_another():
    section = describe(
        make("here/small", 0.5, 10.0, is_own=True), make("there/small", 0.4, 9.0), title="small"
    )
    assert section.paragraphs == (
        "In the time of the fastest file of here/small (0.50 ms, and up to a tenth more): "
        "here/small errs on 10.00% (here/small.tflite); there/small errs on 9.00% "
        "(there/small.tflite).",
    )
    _, table = section.tables
    assert table.caption.startswith("In the time of each file of here/small that")
    assert [(row["in the time of"], row["run"]) for row in table.rows] == [
        ("here/small.tflite", "there/small")
    ]


def test_without_a_file_of_its_own_there_is_no_sentence():
    assert describe(make("big", 2.0, 8.0), title="big").paragraphs == ()


def test_without_other_runs_there_is_no_section():
    assert describe() is None
