"""Whether a deeper or a wider student is the better buy: what a millisecond of each brings.

Only what is measured counts here, computation for time. What computation is worth in accuracy is
seen after training, by `choice`.
"""

import dataclasses
import statistics

__all__ = ["Size", "Step", "compare_steps", "describe_steps", "find_better_buy"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Size:
    """A network that has been timed.

    Attributes:
        name: Such as "WRN-10-2".
        depth, width: Its size.
        multiply_adds: For one image.
        milliseconds: For one image, the median.
        round_milliseconds: Of every round of the measurement its median. In a round all networks
            were measured in turn, so that they compare round by round.
    """

    name: str
    depth: int
    width: int
    multiply_adds: int
    milliseconds: float
    round_milliseconds: tuple


@dataclasses.dataclass(frozen=True)
class Step:
    """From one network to the next deeper or wider one.

    Attributes:
        kind: `"depth"` or `"width"`.
        start, end: The two `Size`s.
    """

    kind: str
    start: Size
    end: Size

    @property
    def milliseconds(self):
        """More time for one image."""
        return self.end.milliseconds - self.start.milliseconds

    @property
    def multiply_adds(self):
        """More multiply-adds for one image."""
        return self.end.multiply_adds - self.start.multiply_adds

    @property
    def rate(self):
        """Multiply-adds gained for a millisecond; None where no more time was measured."""
        return self.multiply_adds / self.milliseconds if self.milliseconds > 0 else None

    @property
    def round_milliseconds(self):
        """More time for one image in every round, a tuple."""
        rounds = zip(self.end.round_milliseconds, self.start.round_milliseconds, strict=True)
        return tuple(end - start for end, start in rounds)


def compare_steps(sizes):
    """Pair the step in depth with the step in width, at every network that has both.

    Args:
        sizes: `Size`s, one for each depth and width.

    Returns:
        A list of pairs of `Step`: to the next depth at the same width, and to the next width at
        the same depth.

    Example:
        >>> common = {"round_milliseconds": (1.0, 1.0), "milliseconds": 1.0, "multiply_adds": 1}
        >>> sizes = [
        ...     Size(name=f"{d}-{w}", depth=d, width=w, **common) for d in (10, 16) for w in (1, 2)
        ... ]
        >>> [(depth.end.name, width.end.name) for depth, width in compare_steps(sizes)]
        [('16-1', '10-2')]
    """
    by_size = {(size.depth, size.width): size for size in sizes}
    pairs = []
    for (depth, width), start in sorted(by_size.items()):
        deeper = [d for d, w in by_size if w == width and d > depth]
        wider = [w for d, w in by_size if d == depth and w > width]
        if deeper and wider:
            pairs.append(
                (
                    Step("depth", start, by_size[min(deeper), width]),
                    Step("width", start, by_size[depth, min(wider)]),
                )
            )
    return pairs


def find_better_buy(depth_step, width_step):
    """Which of two steps brings more multiply-adds for a millisecond, in every round.

    What else the machine does falls on all networks of a round alike, and so cancels here. That
    seven rounds agree by chance has a probability of 1 in 64.

    Args:
        depth_step, width_step: The `Step`s, from one network.

    Returns:
        `"depth"`, `"width"`, or None where the rounds differ, or a larger network took no more
        time in one.
    """
    found = set()
    rounds = zip(depth_step.round_milliseconds, width_step.round_milliseconds, strict=True)
    for depth, width in rounds:
        if depth <= 0 or width <= 0:
            return None
        deeper, wider = depth_step.multiply_adds / depth, width_step.multiply_adds / width
        found.add("depth" if deeper > wider else "width")
    return found.pop() if len(found) == 1 else None


def describe_steps(pairs):
    """Say whether depth or width is the better buy.

    Args:
        pairs: As `compare_steps` returns them.

    Yields:
        Sentences.
    """
    if not pairs:
        yield (
            "Depth and width cannot be weighed against each other. Expected at least two depths "
            "and two widths."
        )
        return
    verdicts = [find_better_buy(*pair) for pair in pairs]
    for kind, other in (("depth", "width"), ("width", "depth")):
        won = [pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict == kind]
        if won:
            rates = {step.kind: [] for pair in won for step in pair}
            for step in (step for pair in won for step in pair):
                rates[step.kind].append(step.rate or 0.0)
            yield (
                f"{_describe_places(won, pairs)} {kind} is the better buy of computation, in "
                "every round of the measurement: a millisecond more brings "
                f"{_describe_rates(rates[kind])} million multiply-adds by {kind}, "
                f"{_describe_rates(rates[other])} by {other}."
            )
    if None in verdicts:
        open_ones = [pair for pair, verdict in zip(pairs, verdicts, strict=True) if not verdict]
        yield (
            f"{_describe_places(open_ones, pairs)} it is open which is the better buy: the rounds "
            "of the measurement differ."
        )
    yield from _describe_middle(pairs)
    yield (
        "How much accuracy depth or width brings is not in these figures: it takes training, "
        "which the command search does."
    )


def _describe_middle(pairs):
    """The medians over all places, which one odd measurement does not move."""
    rates = [[step.rate for step in steps] for steps in zip(*pairs, strict=True)]
    if len(pairs) < 2 or any(None in of_kind for of_kind in rates):
        return
    depth, width = (f"{statistics.median(of_kind) / 1e6:.3g}" for of_kind in rates)
    yield (
        f"In the middle of all {len(pairs)} places a millisecond brings {depth} million "
        f"multiply-adds by depth and {width} by width."
    )


def _describe_places(some, pairs):
    names = [depth_step.start.name for depth_step, _ in some]
    if len(some) == len(pairs):
        return "From every size here" if len(pairs) > 1 else f"From {names[0]}"
    return f"From {', '.join(names)}"


def _describe_rates(rates):
    low, high = (f"{limit / 1e6:.3g}" for limit in (min(rates), max(rates)))
    return low if low == high else f"{low} to {high}"
