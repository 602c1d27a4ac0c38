import numpy as np

from kd_keras import metrics
from tests.metrics.examples import LABELS, LOGITS


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


def test_per_class_error_is_none_for_a_class_without_examples():
    assert metrics.per_class_error(LOGITS, LABELS, 6) == (50.0, 100.0, 0.0, None, None, None)
