"""How good a classifier is, and how near it is to its teacher: figures from logits and labels.

Pure functions of arrays, in float64 and in log space, without TensorFlow. Where classes tie for
the highest logit, the tie counts against the network: constant logits are never right. Means
over a training epoch are kept by the distiller.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "calibration": ["CalibrationBins", "calibration_bins", "expected_calibration_error"],
        "errors": ["per_class_error", "top_k_error"],
        "likelihood": ["negative_log_likelihood"],
        "origin": ["LEAST_EXAMPLES", "MOST_EXAMPLES", "origin_accuracy"],
        "summary": ["summarize"],
        "teacher": ["agreement", "divergence_from_teacher"],
    },
)
