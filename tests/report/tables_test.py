import pathlib

import pytest

from kd_keras import export, report

FIGURES = {
    "top1_error_percent": 5.0,
    "top5_error_percent": 1.0,
    "negative_log_likelihood_nats": 0.25,
    "expected_calibration_error_percent": 2.0,
    "agreement_with_teacher_percent": 97.0,
    "divergence_from_teacher_nats": 0.125,
}


def test_words_are_aligned_left_and_numbers_right():
    rows = [
        {"model": "teacher", "error %": 4.19, "parameters": 55899444},
        {"model": "WRN-10-2", "error %": 32.1, "parameters": 315316},
    ]
    assert report.format_table(rows).split("\n") == [
        "model     error %  parameters",
        "teacher      4.19  55,899,444",
        "WRN-10-2    32.10     315,316",
    ]


def test_a_column_stands_where_it_first_appears_and_a_gap_is_a_dash():
    rows = [{"a": 1, "b": None}, {"c": "x", "a": 2}]
    assert report.format_table(rows).split("\n") == ["a  b  c", "1  -  -", "2  -  x"]


def test_no_line_ends_in_a_space():
    table = report.format_table([{"a": "x", "a long heading": "y"}, {"a": "long", "b": "z"}])
    assert all(line == line.rstrip() for line in table.split("\n"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (1234567, "1,234,567"),
        (0.0, "0.00"),
        (-3.456, "-3.46"),
        (0.01, "0.01"),
        (0.00123, "1.2e-03"),
        (-0.00123, "-1.2e-03"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("text", "text"),
    ],
)
def test_how_a_value_is_written(value, text):
    heading, cell = report.format_table([{"v": value}]).split("\n")
    assert (heading.strip(), cell.strip()) == ("v", text)


def test_no_rows_make_no_table():
    assert report.format_table([]) == ""


def test_result_row_has_every_figure_with_its_unit():
    row = report.result_row(
        "best", FIGURES, parameters=315316, multiply_adds=45_000_000, size_bytes=1_300_000
    )
    assert row == {
        "model": "best",
        "error %": 5.0,
        "top-5 error %": 1.0,
        "NLL nats": 0.25,
        "ECE %": 2.0,
        "agreement %": 97.0,
        "KL from teacher": 0.125,
        "parameters": 315316,
        "multiply-adds": 45_000_000,
        "kB": 1300.0,
    }


def test_result_row_leaves_out_what_is_not_known():
    without_teacher = {
        name: value for name, value in FIGURES.items() if "teacher" not in name and "5" not in name
    }
    assert list(report.result_row("best", without_teacher)) == [
        "model",
        "error %",
        "NLL nats",
        "ECE %",
    ]


def test_verdict_row_of_a_file_that_runs():
    verdict = export.Verdict(
        kind="tflite",
        path=pathlib.Path("exports/student.tflite"),
        size_bytes=319_152,
        num_examples=360,
        error_before_percent=5.0,
        largest_logit_difference=2e-6,
        agreement_percent=100.0,
        error_after_percent=5.5,
    )
    assert report.verdict_row(verdict) == {
        "file": "student.tflite",
        "kB": 319.152,
        "images": 360,
        "largest logit difference": 2e-6,
        "agreement %": 100.0,
        "error before %": 5.0,
        "error after %": 5.5,
        "verdict": "pass",
    }


def test_verdict_row_of_a_file_that_does_not_run():
    verdict = export.Verdict(
        kind="saved_model",
        path=pathlib.Path("exports/saved_model"),
        size_bytes=10,
        num_examples=360,
        error_before_percent=5.0,
        reasons=("It does not load.",),
    )
    row = report.verdict_row(verdict)
    assert (row["file"], row["verdict"]) == ("saved_model", "FAIL")
    assert row["largest logit difference"] is row["agreement %"] is row["error after %"] is None
    assert report.format_table([row]).split("\n")[1].endswith("FAIL")


def test_verdict_details_row_names_threads_and_operations():
    verdict = export.Verdict(
        kind="tflite",
        path=pathlib.Path("exports/student.tflite"),
        size_bytes=10,
        num_examples=360,
        error_before_percent=5.0,
        precision="int8",
        mean_logit_difference=0.125,
        operations={"CONV_2D": 9, "ADD": 4},
        negative_log_likelihood_before_nats=0.5,
        negative_log_likelihood_after_nats=0.6,
        expected_calibration_error_before_percent=2.0,
        expected_calibration_error_after_percent=3.0,
        tied_percent=1.5,
        latencies=(export.Latency(1, 0.2, 0.4, 9), export.Latency(None, 3.0, 4.0, 9, batch=8)),
    )
    assert report.verdict_details_row(verdict) == {
        "file": "student.tflite",
        "computes in": "int8",
        "mean logit difference": 0.125,
        "NLL before": 0.5,
        "NLL after": 0.6,
        "ECE % before": 2.0,
        "ECE % after": 3.0,
        "ties %": 1.5,
        "ms, threads: 1": 0.2,
        "95%, threads: 1": 0.4,
        "ms per call of 8 images, threads: own": 3.0,
        "95% per call of 8 images, threads: own": 4.0,
        "operations": "ADD:4 CONV_2D:9",
    }
