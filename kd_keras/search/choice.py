"""Which student to take, what the next better one would cost, and how sure that is.

What comes of it in words is in `advice`.
"""

import dataclasses
import math

from kd_keras import intervals
from kd_keras.search import advice, students

__all__ = ["Choice", "choose"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """A student under a budget, and those beside it.

    Attributes:
        limits: By quantity, one of `students.QUANTITIES`, the most that it may be.
        fitting: Every `Candidate` within the limits, the best first.
        beyond: The others, those first that miss the limits least; those last of which a limited
            quantity is not known.
        next_better: The `Candidate` beyond the limits with a lower error than the student that
            misses them least, or None.
        gain: How much the student gains over the next one within the limits, as
            `intervals.paired_gain` says it; None without such a one or without a common seed.
    """

    limits: dict
    fitting: tuple
    beyond: tuple
    next_better: students.Candidate | None
    gain: dict | None

    @property
    def student(self):
        """The `Candidate` to take, or None where none is within the limits."""
        return self.fitting[0] if self.fitting else None

    @property
    def runner_up(self):
        """The next best within the limits, or None."""
        return self.fitting[1] if len(self.fitting) > 1 else None

    @property
    def closest(self):
        """The `Candidate` beyond the limits that misses them least, or None."""
        return next((c for c in self.beyond if math.isfinite(self.strain(c))), None)

    @property
    def sentences(self):
        """What it comes to, one sentence after the other."""
        return tuple(advice.describe(self))

    def strain(self, candidate):
        """The largest share that a candidate takes of a limit; infinite where it is not known."""
        return _strain(candidate, self.limits)


def choose(
    trials,
    *,
    max_latency_milliseconds=None,
    max_multiply_adds=None,
    max_parameters=None,
    max_size_bytes=None,
    max_peak_memory_bytes=None,
):
    """Choose the student with the lowest validation error within a budget.

    Of equally good ones it is the quickest, then the one with the fewest multiply-adds and
    parameters. Several seeds of one student count as one, by their mean. The test images have no
    part in it.

    Args:
        trials: `records.Trial`s.
        max_latency_milliseconds: For one image, the median.
        max_multiply_adds: For one image.
        max_parameters: Learned numbers.
        max_size_bytes: Of the TensorFlow Lite file in float32.
        max_peak_memory_bytes: Of running it, beyond Python and the runtime.

    Returns:
        The `Choice`. None of a limit stands for no limit.

    Raises:
        ValueError: If no trial has finished with a validation error, or a limit is not above 0.

    Example:
        >>> from kd_keras.search.records import Trial
        >>> trials = [
        ...     Trial(
        ...         name=f"000{width}",
        ...         values={"student.depth": 10, "student.width": width},
        ...         status="finished",
        ...         validation_error_percent=10.0 - width,
        ...         latency={"median_milliseconds": 0.5 * width},
        ...     )
        ...     for width in (1, 2, 4)
        ... ]
        >>> print(choose(trials, max_latency_milliseconds=1.5).sentences[0])
        Take WRN-10-2: 8.00% error on validation, 1 ms for one image.
    """
    found = students.gather_candidates(trials)
    if not found:
        raise ValueError(
            "Nothing to choose from. Expected at least one finished trial with a validation "
            f"error. Received: {_count(trials)}."
        )
    limits = {
        "latency_milliseconds": max_latency_milliseconds,
        "multiply_adds": max_multiply_adds,
        "parameters": max_parameters,
        "size_bytes": max_size_bytes,
        "peak_memory_bytes": max_peak_memory_bytes,
    }
    limits = {quantity: limit for quantity, limit in limits.items() if limit is not None}
    for quantity, limit in limits.items():
        if not limit > 0:
            raise ValueError(
                f"Invalid value for max_{quantity}. Expected a number above 0. Received: {limit}."
            )
    fitting = sorted((c for c in found if _strain(c, limits) <= 1), key=_merit)
    beyond = [c for c in found if c not in fitting]
    beyond.sort(key=lambda c: (_strain(c, limits), _merit(c)))
    return Choice(
        limits=limits,
        fitting=tuple(fitting),
        beyond=tuple(beyond),
        next_better=_find_next_better(fitting, beyond, limits),
        gain=_measure_gain(*fitting[:2]) if len(fitting) > 1 else None,
    )


def _strain(candidate, limits):
    strain = 0.0
    for quantity, limit in limits.items():
        value = candidate.quantity(quantity)
        strain = max(strain, math.inf if value is None else value / limit)
    return strain


def _merit(candidate):
    """What candidates are sorted by, the best first."""
    costs = (candidate.quantity(quantity) for quantity in students.QUANTITIES)
    known = tuple(math.inf if cost is None else cost for cost in costs)
    return (candidate.validation_error_percent, *known, candidate.name)


def _find_next_better(fitting, beyond, limits):
    for candidate in beyond if fitting else ():
        better = candidate.validation_error_percent < fitting[0].validation_error_percent
        if better and math.isfinite(_strain(candidate, limits)):
            return candidate
    return None


def _measure_gain(student, runner_up):
    return intervals.paired_gain(runner_up.errors_percent, student.errors_percent)


def _count(trials):
    kinds = [
        "finished without a validation error" if trial.status == "finished" else trial.status
        for trial in trials
    ]
    counted = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
    return ", ".join(counted) or "none"
