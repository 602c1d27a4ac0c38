import json
import math

import numpy as np
import pytest

from kd_keras import metrics

LOGITS = np.array(
    [
        [2.0, 1.0, 0.5, -1.0, 0.0, 0.3],
        [0.1, 0.2, 4.0, 0.3, 0.4, 0.5],
        [1.0, 3.0, 2.0, 2.5, 2.2, 2.1],
        [5.0, 4.0, 3.0, 2.0, 1.0, 0.0],
    ]
)
LABELS = np.array([0, 2, 0, 1])


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def test_top_k_error_counts_the_examples_whose_label_is_below_rank_k():
    order = np.argsort(-LOGITS, axis=1)
    for k in range(1, 7):
        expected = 100 * np.mean(
            [label not in row[:k] for row, label in zip(order, LABELS, strict=True)]
        )
        assert metrics.top_k_error(LOGITS, LABELS, k) == expected
    assert metrics.top_k_error(LOGITS, LABELS, 1) == 50.0
    assert metrics.top_k_error(LOGITS, LABELS, 5) == 25.0


def test_ties_do_not_flatter():
    constant = np.zeros((4, 6))
    assert metrics.top_k_error(constant, LABELS, 1) == 100.0
    assert metrics.top_k_error(constant, LABELS, 5) == 100.0
    assert metrics.top_k_error(constant, LABELS, 6) == 0.0
    assert metrics.per_class_error(constant, LABELS, 6) == (100.0, 100.0, 100.0, None, None, None)
    assert metrics.agreement(LOGITS, constant) == 0.0


def test_negative_log_likelihood_is_the_mean_of_minus_log_softmax():
    expected = -np.mean(np.log(softmax(LOGITS)[np.arange(4), LABELS]))
    assert metrics.negative_log_likelihood(LOGITS, LABELS) == pytest.approx(expected, rel=1e-12)


def test_negative_log_likelihood_does_not_saturate():
    assert metrics.negative_log_likelihood([[0.0, 5000.0]], [0]) == 5000.0
    assert math.copysign(1, metrics.negative_log_likelihood([[5000.0, 0.0]], [0])) == 1


def test_half_precision_is_summed_in_float64():
    logits = np.tile(np.float16([[0.1, 0.2]]), (100_000, 1))
    expected = np.log1p(np.exp(np.float64(np.float16(0.2)) - np.float64(np.float16(0.1))))
    labels = np.zeros(100_000, int)
    assert metrics.negative_log_likelihood(logits, labels) == pytest.approx(expected, rel=1e-12)


def calibration_by_hand(logits, labels, num_bins):
    probabilities = softmax(logits)
    confidence, chosen = probabilities.max(axis=1), probabilities.argmax(axis=1)
    error = 0.0
    for index in range(num_bins):
        within = (confidence > index / num_bins) & (confidence <= (index + 1) / num_bins)
        if within.any():
            accuracy = np.mean(chosen[within] == labels[within])
            error += within.mean() * abs(accuracy - confidence[within].mean())
    return 100 * error


@pytest.mark.parametrize("num_bins", [1, 2, 15])
def test_expected_calibration_error_is_the_weighted_gap_of_the_bins(num_bins):
    generator = np.random.default_rng(0)
    logits, labels = 2 * generator.normal(size=(500, 7)), generator.integers(0, 7, 500)
    expected = calibration_by_hand(logits, labels, num_bins)
    received = metrics.expected_calibration_error(logits, labels, num_bins=num_bins)
    assert received == pytest.approx(expected, rel=1e-12)
    assert received > 1.0


def test_a_confidence_on_the_edge_of_two_bins_belongs_to_the_lower_one():
    logits = np.log([[0.5, 0.5], [0.6, 0.4]])
    received = metrics.expected_calibration_error(logits, [0, 0], num_bins=2)
    assert received == pytest.approx(100 * (0.5 + 0.4) / 2)


def test_expected_calibration_error_of_calibrated_predictions_is_zero():
    logits = np.log([[0.75, 0.25]] * 4)
    assert metrics.expected_calibration_error(logits, [0, 0, 0, 1]) == pytest.approx(0, abs=1e-12)


def test_agreement_is_the_share_of_equal_choices():
    student = LOGITS.copy()
    student[0] = student[0, ::-1]
    assert metrics.agreement(LOGITS, student) == 75.0
    assert metrics.agreement(np.zeros((2, 3)), np.zeros((2, 3))) == 100.0


def test_divergence_is_the_mean_kullback_leibler_divergence():
    student = np.roll(LOGITS, 1, axis=0)
    p, q = softmax(LOGITS), softmax(student)
    expected = np.mean(np.sum(p * np.log(p / q), axis=1))
    received = metrics.divergence_from_teacher(LOGITS, student)
    assert received == pytest.approx(expected, rel=1e-12)
    assert metrics.divergence_from_teacher(student, LOGITS) != pytest.approx(received, rel=1e-3)
    assert metrics.divergence_from_teacher(LOGITS, LOGITS + 3.0) == pytest.approx(0, abs=1e-12)


def test_divergence_does_not_saturate():
    assert metrics.divergence_from_teacher([[0.0, 60.0]], [[60.0, 0.0]]) == pytest.approx(60.0)


def test_per_class_error_is_none_for_a_class_without_examples():
    assert metrics.per_class_error(LOGITS, LABELS, 6) == (50.0, 100.0, 0.0, None, None, None)


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


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"Expected \(examples, classes\).* Received: \(6,\)"):
        metrics.top_k_error(LOGITS[0], LABELS, 1)
    with pytest.raises(ValueError, match=r"at least one of each. Received: \(0, 6\)"):
        metrics.negative_log_likelihood(LOGITS[:0], LABELS[:0])
    with pytest.raises(ValueError, match=r"shape of labels. Expected \(4,\).* Received: \(4, 1\)"):
        metrics.expected_calibration_error(LOGITS, LABELS[:, None])
    with pytest.raises(ValueError, match=r"disagree .* teacher \(4, 6\), student \(3, 6\)"):
        metrics.agreement(LOGITS, LOGITS[:3])
    with pytest.raises(ValueError, match=r"Expected 6, the width of the logits. Received: 5"):
        metrics.per_class_error(LOGITS, LABELS, 5)


def test_labels_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"class indices from 0 to 5. Received: 0 to 6"):
        metrics.top_k_error(LOGITS, [0, 6, 0, 1], 1)
    with pytest.raises(ValueError, match=r"Received: -1 to 2"):
        metrics.top_k_error(LOGITS, [0, -1, 2, 1], 1)
    with pytest.raises(TypeError, match=r"Expected integers. Received: float64"):
        metrics.top_k_error(LOGITS, [0.0, 1.0, 2.0, 1.0], 1)


def test_logits_that_are_not_finite_are_refused():
    broken = LOGITS.copy()
    broken[1, 2], broken[3, 0] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"Invalid student_logits. Expected finite .* Received: 2"):
        metrics.divergence_from_teacher(LOGITS, broken)
    with pytest.raises(ValueError, match=r"Invalid logits. Expected finite"):
        metrics.top_k_error(broken, LABELS, 1)


def test_other_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"value for k. Expected 1 to 6. Received: 7"):
        metrics.top_k_error(LOGITS, LABELS, 7)
    with pytest.raises(ValueError, match=r"value for num_bins. Expected 1 or more. Received: 0"):
        metrics.expected_calibration_error(LOGITS, LABELS, num_bins=0)
    with pytest.raises(ValueError, match=r"Expected 6 different names, .* Received: ant, ant"):
        metrics.summarize(LOGITS, LABELS, ("ant", "ant"))


def test_calibration_bins_hold_every_example_once():
    logits = np.random.default_rng(0).normal(size=(200, 4)) * 3
    labels = np.arange(200) % 4
    bins = metrics.calibration_bins(logits, labels, num_bins=5)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    highest, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    for i, (low, high) in enumerate(zip(bins.edges[:-1], bins.edges[1:], strict=True)):
        inside = (highest > low) & (highest <= high)
        assert bins.counts[i] == inside.sum()
        assert bins.confidence[i] == pytest.approx(highest[inside].mean() if inside.any() else 0)
        assert bins.accuracy[i] == pytest.approx(hit[inside].mean() if inside.any() else 0)
    assert bins.counts.sum() == 200
