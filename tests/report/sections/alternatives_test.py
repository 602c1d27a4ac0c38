from kd_keras import report
from kd_keras.report.sections import alternatives
from tests.report import samples


def make(run, milliseconds, error, **values):
    return report.Alternative(
        run=run,
        kind="distilled student",
        file=f"{run}.tflite",
        error_percent=error,
        size_bytes=2000,
        median_milliseconds=milliseconds,
        percentile95_milliseconds=2 * milliseconds,
        **{"passed": True, **values},
    )


def describe(*found, **changes):
    return alternatives.describe(samples.run_content(alternatives=found, **changes))


def test_each_file_has_a_row_and_the_best_so_far_are_marked():
    section = describe(
        make("small", 0.5, 10.0), make("other", 0.75, 12.0, passed=False), make("big", 2.0, 8.0)
    )
    [table] = section.tables
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


def test_the_sentence_compares_at_the_time_of_the_fastest_own_file():
    section = describe(
        make("pruned", 0.4, 15.0),
        make("small", 0.5, 10.0),
        make("pruned", 0.54, 12.0),
        make("pruned", 0.6, 9.0),
        make("big", 2.0, 8.0),
        title="small",
    )
    assert section.paragraphs == (
        "In the time of the fastest file of small (0.50 ms, and up to a tenth more): pruned errs "
        "on 12.00% (pruned.tflite); small errs on 10.00% (small.tflite); big has no file as fast.",
    )


def test_without_a_file_of_its_own_there_is_no_sentence():
    assert describe(make("big", 2.0, 8.0), title="small").paragraphs == ()


def test_without_other_runs_there_is_no_section():
    assert describe() is None
