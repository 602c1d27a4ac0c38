import numpy as np
import pytest

from kd_keras import metrics
from tests.metrics.examples import softmax


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
