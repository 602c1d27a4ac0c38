"""Whether a student's logits can be told from its teacher's by their distribution alone."""

import warnings

import numpy as np
from sklearn import exceptions, neural_network, pipeline, preprocessing

from kd_keras.metrics.checks import check_pair

__all__ = ["LEAST_EXAMPLES", "MOST_EXAMPLES", "origin_accuracy"]

LEAST_EXAMPLES = 200
MOST_EXAMPLES = 10_000
_NODES = (64, 64)
_EPOCHS = 60


def origin_accuracy(teacher_logits, student_logits, *, seed=0):
    """How often a judge is right about whose logits it is shown, in percent.

    A classifier two-sample test: a small network is taught with the logits of half of the
    examples, the teacher's and the student's, and says of each vector of the other half whose it
    is. About 50 means that nothing tells them apart, and that a discriminator has nothing to
    teach; 100 that each gives itself away. It is shown one vector at a time, so what both say of
    the same example does not help it.

    A constant that is added to all logits of an example changes no probability; the mean is taken
    off each vector first. Of more than 10,000 examples as many are drawn. Guessing has a standard
    deviation of 50 / sqrt(examples), half a point for 10,000.

    Args:
        teacher_logits: Shape (examples, classes).
        student_logits: Shape (examples, classes), of the same examples.
        seed: Of the halves and the judge.

    Returns:
        Percent, from 0 to 100.

    Raises:
        ValueError: If the shapes are wrong or differ, a logit is not finite, or there are fewer
            than 200 examples.

    Example:
        >>> teacher = np.random.default_rng(0).normal(size=(400, 3))
        >>> origin_accuracy(teacher, teacher)
        50.0
        >>> origin_accuracy(teacher, 100 * teacher) > 90
        True

    Reference:
        Lopez-Paz, Oquab, "Revisiting Classifier Two-Sample Tests", 2017, section 3.
    """
    pair = check_pair(teacher_logits, student_logits)
    count = len(pair[0])
    if count < LEAST_EXAMPLES:
        raise ValueError(
            f"Too few examples to teach and to ask a judge. Expected {LEAST_EXAMPLES} or more. "
            f"Received: {count}."
        )
    order = np.random.default_rng(seed).permutation(count)[:MOST_EXAMPLES]
    centred = [logits - logits.mean(axis=1, keepdims=True) for logits in pair]
    taught, asked = np.array_split(order, 2)
    judge = _make_judge(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        judge.fit(*_mix(centred, taught))
    return float(100.0 * judge.score(*_mix(centred, asked)))


def _make_judge(seed):
    network = neural_network.MLPClassifier(
        _NODES, early_stopping=True, max_iter=_EPOCHS, random_state=seed
    )
    return pipeline.make_pipeline(preprocessing.StandardScaler(), network)


def _mix(pair, chosen):
    """The chosen rows of both, and from which each is."""
    return np.concatenate([logits[chosen] for logits in pair]), np.repeat([1, 0], len(chosen))
