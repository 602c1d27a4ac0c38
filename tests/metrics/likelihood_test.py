import math

import numpy as np
import pytest

from kd_keras import metrics
from tests.metrics.examples import LABELS, LOGITS, softmax


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
