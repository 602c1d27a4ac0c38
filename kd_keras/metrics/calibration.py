"""Whether a classifier is right as often as it says."""

import dataclasses

import numpy as np

from kd_keras.metrics.checks import check, is_hit, log_probabilities

__all__ = ["CalibrationBins", "calibration_bins", "expected_calibration_error"]


@dataclasses.dataclass(frozen=True, eq=False)
class CalibrationBins:
    """Examples by the highest probability that a network gives.

    Attributes:
        edges: Of the bins, from 0 to 1, shape (bins + 1,). The upper edge is within.
        counts: Examples in each bin, shape (bins,).
        confidence: Their mean highest probability, shape (bins,); 0 where there are none.
        accuracy: Share of them that are right, shape (bins,); 0 where there are none.
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def calibration_bins(logits, labels, num_bins=15):
    """Put examples in bins of equal width by the highest probability.

    Args:
        logits: Shape (examples, classes).
        labels: Class indices, shape (examples,).
        num_bins: Bins between 0 and 1.

    Returns:
        `CalibrationBins`: what a reliability diagram shows.

    Raises:
        ValueError: If a shape, a label or `num_bins` is out of range, or a logit is not finite.
        TypeError: If the labels are not integers.

    Example:
        >>> bins = calibration_bins([[0.0, 60.0], [60.0, 0.0]], [1, 1], num_bins=2)
        >>> bins.counts, bins.confidence, bins.accuracy
        (array([0, 2]), array([0., 1.]), array([0. , 0.5]))
    """
    logits, labels = check(logits, labels)
    if num_bins < 1:
        raise ValueError(f"Invalid value for num_bins. Expected 1 or more. Received: {num_bins}.")
    highest = np.exp(log_probabilities(logits).max(axis=1))
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    bins = np.searchsorted(edges[1:-1], highest, side="left")
    counts = np.bincount(bins, minlength=num_bins)
    confidence, accuracy = (
        np.bincount(bins, weights=values, minlength=num_bins) / np.maximum(1, counts)
        for values in (highest, is_hit(logits, labels, 1))
    )
    return CalibrationBins(edges, counts, confidence, accuracy)


def expected_calibration_error(logits, labels, num_bins=15):
    """How far confidence and accuracy lie apart, in percentage points.

    100 * sum_b n_b / n * |accuracy_b - confidence_b|, over bins b of equal width of the highest
    probability, ((b - 1) / num_bins, b / num_bins].

    Args:
        logits: Shape (examples, classes).
        labels: Class indices, shape (examples,).
        num_bins: Bins between 0 and 1.

    Returns:
        Percentage points, from 0 to 100.

    Raises:
        ValueError: If a shape, a label or `num_bins` is out of range, or a logit is not finite.
        TypeError: If the labels are not integers.

    Example:
        >>> expected_calibration_error([[0.0, 60.0], [60.0, 0.0]], [1, 1])
        50.0

    Reference:
        Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
        Binning", 2015; as used by Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern
        Neural Networks", 2017, section 2.
    """
    bins = calibration_bins(logits, labels, num_bins)
    gaps = np.abs(bins.accuracy - bins.confidence)
    return float(100.0 * (bins.counts * gaps).sum() / bins.counts.sum())
