"""Logits of four examples and six classes, and their labels."""

import numpy as np

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
