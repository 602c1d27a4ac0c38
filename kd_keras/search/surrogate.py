"""A model of what candidates come to, from those that are known: a Gaussian process.

It knows candidates as vectors and objectives as numbers, and nothing of students.
"""

import warnings

import numpy as np
import scipy.stats
from sklearn import exceptions, gaussian_process
from sklearn.gaussian_process import kernels

__all__ = ["expect_improvement", "vectorize"]

_AUGMENTATION = 0.05  # weight of the sum beside the largest objective
_WITHOUT_MEANING = 0.5


def vectorize(axes, candidates):
    """Candidates as vectors.

    Args:
        axes: keras-tuner's hyperparameters.
        candidates: Values by the axis's name.

    Returns:
        Shape (candidates, numbers), each from 0 to 1: a number for an ordered axis, and for
        another one for each of its choices.

    Example:
        >>> import keras_tuner
        >>> space = keras_tuner.HyperParameters()
        >>> _ = space.Choice("width", [1, 2]), space.Choice("loss", ["a", "b", "c"])
        >>> vectorize(space.space, [{"width": 2, "loss": "b"}, {"width": 1}])
        array([[0.75, 0.  , 1.  , 0.  ],
               [0.25, 0.5 , 0.5 , 0.5 ]])
    """
    return np.array([[x for axis in axes for x in _place(axis, values)] for values in candidates])


def _place(axis, values):
    if getattr(axis, "ordered", True):
        yield axis.value_to_prob(values[axis.name]) if axis.name in values else _WITHOUT_MEANING
        return
    for choice in axis.values:
        yield float(values[axis.name] == choice) if axis.name in values else _WITHOUT_MEANING


def expect_improvement(known, points, candidates, *, generator):
    """How much candidates are expected to improve on those that are known.

    The objectives become one number, smaller being better: with ranks r_i from 0 to 1 and weights
    w_i that are drawn from all that sum to 1,

        max_i w_i r_i + 0.05 sum_i w_i r_i

    Each weighting is met best by another point of the front. A Gaussian process is fitted to that
    number over the vectors of those that are known.

    Args:
        known: Vectors of shape (known, numbers).
        points: Their objectives, shape (known, objectives), all minimised.
        candidates: Vectors of shape (candidates, numbers).
        generator: A `numpy.random.Generator`, from which the weights are drawn.

    Returns:
        The expected improvement of each candidate, no unit, 0 or more, shape (candidates,).

    Reference:
        Knowles, "ParEGO", 2006, section III; Jones, Schonlau, Welch, "Efficient Global
        Optimization of Expensive Black-Box Functions", 1998, equation 15.
    """
    ranks = scipy.stats.rankdata(points, axis=0) / len(points)
    weighted = ranks * generator.dirichlet(np.ones(ranks.shape[1]))
    values = weighted.max(axis=1) + _AUGMENTATION * weighted.sum(axis=1)
    process = _fit(known, values)
    mean, deviation = process.predict(candidates, return_std=True)
    gain = values.min() - mean
    score = gain / np.maximum(deviation, 1e-12)
    normal = scipy.stats.norm
    return np.maximum(gain * normal.cdf(score) + deviation * normal.pdf(score), 0.0)


def _fit(known, values):
    lengths = np.ones(known.shape[1])
    kernel = kernels.Matern(lengths, (0.1, 10.0), nu=2.5) + kernels.WhiteKernel(1e-2, (1e-4, 1.0))
    process = gaussian_process.GaussianProcessRegressor(kernel, normalize_y=True)
    with warnings.catch_warnings():
        # A length at its bound is an axis that does not matter.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        return process.fit(known, values)
