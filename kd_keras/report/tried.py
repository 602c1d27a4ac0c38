"""What a search tried, as its page shows it: plain data, gathered elsewhere."""

import dataclasses

__all__ = ["Searched", "Tried"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Tried:
    """A student that a search has trained, with every seed it was trained with.

    Attributes:
        label: Its name, which no other has.
        values: By field, such as `student.depth`, what the search chose.
        depth, width: Its size, or None where it has no such.
        errors_percent: On the validation images, of each seed.
        validation_error_percent: Their mean.
        test_error_percent: On the test images, or None. Nothing is chosen by it.
        rank: 0 where no other has both a lower error and less time, and so on; None where its
            time is not known.
        dominated_by: Label of one that has both, or "".
        latency_milliseconds: Median time for one image, or None.
        latency_range: The lowest and the highest that repeated measurements gave, or None.
        parameters, multiply_adds, size_bytes, peak_memory_bytes: What it costs, or None.
    """

    label: str
    values: dict
    depth: int | None = None
    width: int | None = None
    errors_percent: tuple
    validation_error_percent: float
    test_error_percent: float | None = None
    rank: int | None = None
    dominated_by: str = ""
    latency_milliseconds: float | None = None
    latency_range: tuple | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    size_bytes: int | None = None
    peak_memory_bytes: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Searched:
    """A search, for its page.

    Attributes:
        tried: `Tried`s.
        unfinished: Of the other trials: dictionaries with `trial`, `student`, `status`, `reason`.
        sentences: Which student to take.
        hypervolume: What the front dominates, percentage points times milliseconds, or None.
        reference: The error and the time up to which that is taken.
        timing: A sentence about how the time was measured, or "".
    """

    tried: tuple
    unfinished: tuple = ()
    sentences: tuple = ()
    hypervolume: float | None = None
    reference: tuple = ()
    timing: str = ""

    @property
    def timed(self):
        """Those whose time is known, the quickest first."""
        known = [one for one in self.tried if one.latency_milliseconds is not None]
        return tuple(sorted(known, key=lambda one: one.latency_milliseconds))

    @property
    def front(self):
        """Those that no other dominates, the quickest first."""
        return tuple(one for one in self.timed if one.rank == 0)
