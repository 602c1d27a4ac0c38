import csv
import io

import pytest

from kd_keras import report
from kd_keras.report import comparison

TEACHER = {
    "best": {"top1_error_percent": 4.19},
    "last": {"top1_error_percent": 4.25},
    "parameters": 55_899_444,
    "multiply_adds": 8_075_000_000,
}
EMPTY = {"median": None, "mean": None, "standard_deviation": None, "gain": None}


def make_run(seed, error=None, **values):
    run = {
        "seed": seed,
        "folder": f"x-seed{seed}",
        "status": "missing" if error is None else "finished",
        "reason": None,
        "best_error_percent": error,
        "last_error_percent": error and error + 1,
        "best_epoch": error and 3,
        "seconds": error and 10.0 * seed + 10,
    }
    return {**run, **values}


def make_method(label, runs, best, last, **values):
    return {
        "label": label,
        "control": None,
        "runs": runs,
        "best": best,
        "last": last,
        "parameters": 1_000,
        "multiply_adds": 2_000,
        "size_bytes": 3_000,
        "sentence": f"{label} says this.",
        **values,
    }


@pytest.fixture
def result():
    summary = {"median": 7.5, "mean": 7.6, "standard_deviation": 0.14142, "gain": None}
    gain = {"mean": 1.5, "low": 1.25, "high": 1.75, "num_seeds": 2}
    last = {"mean": -0.5, "low": None, "high": None, "num_seeds": 1}
    broken = make_run(1, status="failed", reason="No space.")
    return {
        "name": "some|name",
        "command_line": "python main.py compare --seeds=0,1",
        "teacher": "runs/teacher.keras",
        "seeds": [0, 1],
        "judged_on": "test",
        "num_examples": 10_000,
        "methods": [
            make_method("a|b", [make_run(0, 7.5), make_run(1, 7.7)], summary, summary),
            make_method(
                "mine",
                [make_run(0, 6.0), broken],
                {"median": 6.0, "mean": 6.0, "standard_deviation": None, "gain": gain},
                {"median": 7.0, "mean": 7.0, "standard_deviation": None, "gain": last},
                control="a|b",
            ),
            make_method(
                "later",
                [make_run(0), make_run(1)],
                EMPTY,
                EMPTY,
                parameters=None,
                multiply_adds=None,
                size_bytes=None,
            ),
        ],
    }


def test_a_row_for_each_method_the_teacher_first(result):
    teacher, control, mine, later = comparison.comparison_rows(result, "best", TEACHER)
    assert list(teacher) == list(control) == list(mine) == list(later)
    assert teacher == {
        **dict.fromkeys(control),
        "method": "teacher",
        "runs": "1",
        "median error %": 4.19,
        "parameters": 55_899_444,
        "multiply-adds": 8_075_000_000,
    }
    assert control == {
        "method": "a|b",
        "runs": "2",
        "median error %": 7.5,
        "mean ± sd": "7.60 ± 0.14",
        "gain, points": None,
        "95% interval": None,
        "parameters": 1_000,
        "multiply-adds": 2_000,
        "s per run": 15,
    }
    assert mine["runs"] == "1 of 2"
    assert (mine["mean ± sd"], mine["gain, points"]) == ("6.00", "+1.50")
    assert mine["95% interval"] == "+1.25 to +1.75"
    assert later["runs"] == "0 of 2"
    assert {later[name] for name in list(later)[2:]} == {None}


def test_the_last_epochs_rows_and_a_comparison_without_a_teacher(result):
    control, mine, _ = comparison.comparison_rows(result, "last")
    assert control["method"] == "a|b"
    assert (mine["median error %"], mine["gain, points"]) == (7.0, "-0.50")
    assert mine["95% interval"] is None


def test_the_text_has_both_tables_the_sentences_and_the_failures(result):
    text = report.comparison_text(result, TEACHER)
    assert text.startswith("Best on validation, 10000 test images:\nmethod   runs    median")
    assert "\nLast epoch, 10000 test images:\n" in text
    for method in result["methods"]:
        assert f"\n{method['sentence']}\n" in text
    assert "\nmine, seed 1, failed: No space.\n" in text
    assert text.endswith("judged on these images.")


def test_markdown_is_a_table_that_github_reads(result):
    text = report.comparison_markdown(result, TEACHER)
    lines = text.split("\n")
    assert lines[0] == "# some|name"
    assert "python main.py compare --seeds=0,1" in lines
    tables = [line for line in lines if line.startswith("|")]
    # Two tables of a heading, a rule, the teacher and three methods, all with as many columns.
    assert len(tables) == 12
    assert {line.replace("\\|", "").count("|") for line in tables} == {10}
    assert tables[1].startswith("| --- | --- | ---: |")
    assert r"| a\|b | 2 | 7.50 |" in tables[3]
    assert "- mine says this." in lines
    assert "- mine, seed 1, failed: No space." in lines
    assert text.endswith("\n")


def test_markdown_ends_with_every_pair_of_three_methods(result):
    assert "Between methods" not in report.comparison_markdown(result)
    result["methods"][2]["runs"] = [make_run(0, 6.5), make_run(1, 7.5)]
    text = report.comparison_markdown(result)
    _, _, end = text.partition("\n## Between methods, best on validation\n\n")
    assert end.startswith("| method | over a\\|b | over mine | over later |\n")
    assert "\n| later | +0.60 (-4.48 to +5.68) | -0.50 | - |\n" in end
    assert end.endswith("some exclude zero by chance.\n")


def test_csv_has_a_line_for_each_method_and_network(result):
    rows = list(csv.DictReader(io.StringIO(report.comparison_csv(result))))
    assert [(row["method"], row["network"]) for row in rows] == [
        (label, which) for which in ("best", "last") for label in ("a|b", "mine", "later")
    ]
    mine = rows[1]
    assert mine["control"] == "a|b"
    assert (mine["finished_runs"], mine["median_error_percent"]) == ("1", "6.0")
    assert (mine["gain_mean"], mine["gain_low"], mine["gain_num_seeds"]) == ("1.5", "1.25", "2")
    assert (mine["error_percent_seed_0"], mine["error_percent_seed_1"]) == ("6.0", "")
    assert rows[4]["error_percent_seed_0"] == "7.0"
    assert rows[2]["mean_error_percent"] == ""


def test_before_any_run_has_finished_there_are_no_images_to_name(result):
    empty = make_method("a", [make_run(0)], EMPTY, EMPTY, parameters=None, multiply_adds=None)
    result = {**result, "judged_on": None, "num_examples": None, "methods": [empty]}
    assert report.comparison_text(result).startswith("Best on validation:\nmethod  runs")
