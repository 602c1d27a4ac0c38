import numpy as np
import pytest

from kd_keras import metrics
from tests.metrics.examples import LOGITS, softmax


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
