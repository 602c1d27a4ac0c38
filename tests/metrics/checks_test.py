import numpy as np
import pytest

from kd_keras import metrics
from tests.metrics.examples import LABELS, LOGITS


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
