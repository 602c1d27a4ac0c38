import json

from kd_keras import metrics
from tests.metrics.examples import LABELS, LOGITS


def test_summarize_holds_every_figure_and_is_plain_json():
    names = ("ant", "bee", "cat", "dog", "eel", "fox")
    summary = metrics.summarize(LOGITS, LABELS, names, teacher_logits=LOGITS[::-1])
    assert json.loads(json.dumps(summary)) == summary
    assert summary == {
        "num_examples": 4,
        "top1_error_percent": metrics.top_k_error(LOGITS, LABELS, 1),
        "top5_error_percent": metrics.top_k_error(LOGITS, LABELS, 5),
        "negative_log_likelihood_nats": metrics.negative_log_likelihood(LOGITS, LABELS),
        "expected_calibration_error_percent": metrics.expected_calibration_error(LOGITS, LABELS),
        "agreement_with_teacher_percent": metrics.agreement(LOGITS[::-1], LOGITS),
        "divergence_from_teacher_nats": metrics.divergence_from_teacher(LOGITS[::-1], LOGITS),
        "per_class_error_percent": dict(
            zip(names, metrics.per_class_error(LOGITS, LABELS, 6), strict=True)
        ),
    }


def test_summarize_leaves_out_what_it_cannot_know():
    summary = metrics.summarize(LOGITS[:, :3], LABELS, ("ant", "bee", "cat"))
    assert "top5_error_percent" not in summary
    assert not any("teacher" in key for key in summary)
