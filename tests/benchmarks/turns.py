"""Things timed in turn, so that whatever else the machine does falls on all of them alike."""

import statistics
import time

__all__ = ["compare", "measure", "medians", "timed"]


def timed(action):
    """A function that runs an action, given the same arguments, and returns the seconds."""

    def run(*arguments):
        started = time.perf_counter()
        action(*arguments)
        return time.perf_counter() - started

    return run


def measure(variants, *, rounds, count=1):
    """Seconds of one time, per variant a list with an entry for each round.

    Args:
        variants: By name a function from a number of times to the seconds of all.
        rounds: How often each has its turn, after a first one that is not counted.
        count: Times in a turn.
    """
    for run in variants.values():
        run(min(count, 2))
    seconds = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            seconds[name].append(run(count) / count)
    return seconds


def medians(seconds):
    """The median of each variant's rounds."""
    return {name: statistics.median(values) for name, values in seconds.items()}


def compare(seconds, reference, *, label="", **columns):
    """Rows of a table: the median of each, and how many times that of one of them it is.

    Args:
        seconds: As `measure` returns them.
        reference: Name of the variant to compare with.
        label: Heading of the names.
        **columns: Further columns by heading: a function of the median seconds.
    """
    median = medians(seconds)
    return [
        {
            label: name,
            "median ms": 1000 * value,
            **{heading: make(value) for heading, make in columns.items()},
            f"times {reference}": f"{value / median[reference]:.3f}",
        }
        for name, value in median.items()
    ]
