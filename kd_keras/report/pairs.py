"""Every method of a comparison beside every other, not beside its control alone."""

from kd_keras import intervals

__all__ = ["MEANING", "pair_rows"]

MEANING = (
    "How many points of error the method of a row gains over the method of a column: the mean of "
    "the differences on the same seeds, and its 95% interval. Each interval is about its own pair: "
    "of many pairs, some exclude zero by chance."
)
_MOST_METHODS = 8  # a table of more is too wide to read


def pair_rows(comparison, which="best"):
    """A row and a column for each method.

    Args:
        comparison: The dictionary that `comparison.json` holds.
        which: `"best"` or `"last"`: which network of every run.

    Returns:
        The rows; none where there are no three methods with finished runs, of which the table of
        results does not show all pairs, or more than eight.
    """
    errors = {
        method["label"]: _errors(method, which)
        for method in comparison["methods"]
        if any(run["status"] == "finished" for run in method["runs"])
    }
    if not 3 <= len(errors) <= _MOST_METHODS:
        return []
    return [
        {
            "method": label,
            **{
                f"over {other}": None if other == label else _describe(errors[other], own)
                for other in errors
            },
        }
        for label, own in errors.items()
    ]


def _errors(method, which):
    known = {run["seed"]: run[f"{which}_error_percent"] for run in method["runs"]}
    return {seed: error for seed, error in known.items() if error is not None}


def _describe(others, own):
    gain = intervals.paired_gain(others, own)
    if gain is None:
        return None
    if gain["low"] is None:
        return f"{gain['mean']:+.2f}"
    return f"{gain['mean']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f})"
