"""What several runs of one method, and of two methods on the same seeds, come to.

What the figures say in words is in `report` and in `search`.
"""

import numpy as np
import scipy.stats

__all__ = ["paired_gain", "summarize_errors"]

_CONFIDENCE = 0.95
_SMALLEST_SPREAD = 1e-9  # points; below it, differences differ by rounding alone


def summarize_errors(errors_percent):
    """Median, mean and sample standard deviation of the errors of several runs.

    Args:
        errors_percent: One number per run.

    Returns:
        A dictionary with `median`, `mean` and `standard_deviation`, which has n - 1 below the
        fraction. None stands for what cannot be told: all of it of no run, the deviation of one.

    Example:
        >>> summarize_errors([6.0, 7.0, 9.5])
        {'median': 7.0, 'mean': 7.5, 'standard_deviation': 1.8027756377319946}
    """
    errors = np.asarray(errors_percent, np.float64)
    known = len(errors) > 0
    return {
        "median": float(np.median(errors)) if known else None,
        "mean": float(np.mean(errors)) if known else None,
        "standard_deviation": float(np.std(errors, ddof=1)) if len(errors) > 1 else None,
    }


def paired_gain(control_errors, method_errors):
    """How many points of error a method gains over its control, and how sure that is.

    d_s = control_s - method_s of every seed s that both have; the interval is
    mean(d) +- t * sd(d) / sqrt(n), with t the 97.5% quantile of Student's distribution with
    n - 1 degrees of freedom. Two runs with the same seed start from the same weights and see the
    same images in the same order, so what the seed does to both cancels in the difference.

    The interval is about training again with other seeds, with this teacher, on these training
    images, judged on these test images. It does not cover another teacher, another split or other
    test images, nor the choice of a method among many after looking at the figures. It takes the
    differences as about normal, which two or three of them cannot show.

    Args:
        control_errors: The control's errors in percent by seed.
        method_errors: The method's errors in percent by seed.

    Returns:
        A dictionary with `mean`, `low`, `high`, in points, and `num_seeds`; or None where no seed
        is common. `low` and `high` are None where there is no interval: of one seed, and of
        differences that are all equal, whose spread is unknown rather than zero.

    Example:
        >>> gain = paired_gain({0: 7.5, 1: 7.7}, {0: 6.0, 1: 6.1})
        >>> print("{mean:.2f}, {low:.2f} to {high:.2f}".format(**gain))
        1.55, 0.91 to 2.19

    Reference:
        Student, "The Probable Error of a Mean", 1908.
    """
    seeds = sorted(set(control_errors) & set(method_errors))
    if not seeds:
        return None
    gains = np.array([control_errors[seed] - method_errors[seed] for seed in seeds])
    mean, low, high = float(np.mean(gains)), None, None
    if len(seeds) > 1 and np.ptp(gains) > _SMALLEST_SPREAD:
        quantile = scipy.stats.t.ppf((1 + _CONFIDENCE) / 2, len(seeds) - 1)
        half = float(quantile * np.std(gains, ddof=1) / np.sqrt(len(seeds)))
        low, high = mean - half, mean + half
    return {"mean": mean, "low": low, "high": high, "num_seeds": len(seeds)}
