"""Students to choose from: the trials of a search, put together by student over the seeds."""

import dataclasses
import json
import math
import pathlib
import re
import statistics

__all__ = ["QUANTITIES", "Candidate", "gather_candidates", "name_candidate", "name_network"]

# What a student may cost, in the order in which equally good ones are told apart.
QUANTITIES = (
    "latency_milliseconds",
    "multiply_adds",
    "parameters",
    "size_bytes",
    "peak_memory_bytes",
)

_SEED = "run.seed"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A student that has been trained, with every seed it was trained with.

    Attributes:
        name: Such as "WRN-16-2".
        values: By field, such as `student.depth`, what makes it this one.
        trials: Its finished `records.Trial`s.
    """

    name: str
    values: dict
    trials: tuple

    @property
    def judged_trials(self):
        """Of each seed the trial with the most epochs: Hyperband tries a student several times."""
        longest = {}
        for trial in sorted(self.trials, key=lambda trial: trial.epochs or 0):
            longest[trial.seed] = trial
        return tuple(longest.values())

    @property
    def errors_percent(self):
        """The validation error by seed."""
        return {trial.seed: trial.validation_error_percent for trial in self.judged_trials}

    @property
    def validation_error_percent(self):
        """The mean over the seeds."""
        return statistics.fmean(self.errors_percent.values())

    @property
    def test_error_percent(self):
        """The mean over the seeds, or None where one is not known."""
        errors = [trial.test_error_percent for trial in self.judged_trials]
        return None if None in errors else statistics.fmean(errors)

    @property
    def latency_range(self):
        """The medians of the quickest and of the slowest round, in milliseconds, or None."""
        known = [trial.latency for trial in self.trials if trial.latency]
        highest = [latency.get("upper_milliseconds") for latency in known]
        if None in highest or not known:
            return None
        return min(latency["median_milliseconds"] for latency in known), max(highest)

    @property
    def best_trial(self):
        """The trial with the lowest validation error."""
        return min(
            self.judged_trials, key=lambda trial: (trial.validation_error_percent, trial.name)
        )

    def quantity(self, name):
        """What it costs: one of `QUANTITIES`, or None where it is not known."""
        known = [getattr(trial, name) for trial in self.trials]
        known = [value for value in known if value is not None]
        if not known:
            return None
        return statistics.median(known) if name == "latency_milliseconds" else max(known)


def gather_candidates(trials):
    """Put the finished trials of each student together.

    Args:
        trials: `records.Trial`s. Those that have not come to an error are left out.

    Returns:
        A list of `Candidate`, in the order of their first trials.

    Example:
        >>> from kd_keras.search.records import Trial
        >>> student = {"student.depth": 10, "student.width": 2}
        >>> trials = [
        ...     Trial(name=str(i), values=student, status="finished", seed=i,
        ...           validation_error_percent=7.0 + i)
        ...     for i in range(2)
        ... ]
        >>> [candidate] = gather_candidates(trials)
        >>> candidate.name, candidate.validation_error_percent
        ('WRN-10-2', 7.5)
    """
    groups = {}
    for trial in trials:
        error = trial.validation_error_percent
        if trial.status == "finished" and error is not None and math.isfinite(error):
            values = {field: v for field, v in trial.values.items() if field != _SEED}
            key = json.dumps(values, sort_keys=True)
            groups.setdefault(key, (values, []))[1].append(trial)
    return [
        Candidate(name=name_candidate(values), values=values, trials=tuple(same))
        for values, same in groups.values()
    ]


def name_network(label):
    """What a network is called in a sentence.

    Args:
        label: As in the names of folders: network, depth and width.

    Example:
        >>> name_network("wide_resnet-16-2"), name_network("resnet-20-1")
        ('WRN-16-2', 'resnet-20-1')
    """
    return re.sub(r"^wide_resnet-(?=\d)", "WRN-", label)


def name_candidate(values):
    """What the student with these values is called.

    Args:
        values: By field of the configuration, such as `student.depth`.

    Returns:
        The name of its network where its file or depth and width are among the values, and the
        others.

    Example:
        >>> name_candidate({"student.depth": 16, "student.width": 2, "training.momentum": 0.95})
        'WRN-16-2, momentum 0.95'
    """
    rest, parts = dict(values), []
    if "student.path" in rest:
        parts = [pathlib.PurePath(rest.pop("student.path")).name.removesuffix(".keras")]
    elif {"student.depth", "student.width"} <= rest.keys():
        sizes = rest.pop("student.depth"), rest.pop("student.width")
        label = "-".join(map(str, (rest.pop("student.network", "wide_resnet"), *sizes)))
        parts = [name_network(label)]
    parts += [f"{field.rpartition('.')[2]} {_text(value)}" for field, value in rest.items()]
    return ", ".join(parts) or "the student"


def _text(value):
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
