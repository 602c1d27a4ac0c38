import pathlib

from kd_keras import export
from kd_keras.export.latency import Latency
from kd_keras.export.model_card import format_model_card


def verdict(**values):
    values = {
        "kind": "tflite",
        "path": pathlib.Path("exports/a.tflite"),
        "size_bytes": 1500,
        "num_examples": 10,
        "error_before_percent": 10.0,
        **values,
    }
    return export.Verdict(**values)


def test_sections_files_limits_and_licence():
    card = format_model_card(
        "Student",
        facts={"Data": {"images": 3, "names": ("a|b", "c"), "none": None}, "Teacher": {}},
        verdicts=[
            verdict(
                mean_logit_difference=0.125,
                largest_logit_difference=2.0,
                agreement_percent=90.0,
                error_after_percent=12.5,
                negative_log_likelihood_after_nats=0.5,
                expected_calibration_error_after_percent=3.0,
                latencies=(Latency(1, 0.25, 0.5, 9), Latency(None, 1.0, 2.0, 9, batch=8)),
            ),
            verdict(path=pathlib.Path("b.tflite"), reasons=("It does not run.",)),
        ],
        limits=["It is small."],
        licence="CC0-1.0",
    )
    lines = card.splitlines()
    assert lines[0] == "# Student"
    assert "| names | a\\|b, c |" in lines
    assert "| none | - |" in lines
    assert "## Teacher" not in lines
    assert (
        "| a.tflite | 1.5 | float32 | 0.12 (2) | 90.00 | 12.50 | 0.5 | 3.00 "
        "| 0.25 (0.50), 1 thread; 1.00 (2.00), own threads, 8 images a call | pass |"
    ) in lines
    assert "| b.tflite | 1.5 | float32 | - | - | - | - | - | - | FAIL |" in lines
    assert "- b.tflite: It does not run." in lines
    assert card.endswith("## Limits\n\n- It is small.\n\n## Licence\n\nCC0-1.0\n")
