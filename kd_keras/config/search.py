"""Which students a search tries, and how it goes about it."""

import dataclasses

from kd_keras.config.checks import Section, choice, require, require_not_negative

__all__ = ["Search"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search(Section):
    """What is varied, who proposes the next student, and how the finished ones are timed."""

    axes: tuple[str, ...] = ()  # as they are typed; empty: depths and widths
    oracle: str = choice("pareto", "random", "grid", "bayesian", "hyperband")
    trials: int = 12  # students trained at the most
    hyperband_factor: int = 3  # of epochs from rung to rung; one in so many students goes on
    latency_threads: int = 1  # of the runtime that is timed
    latency_rounds: int = 7  # in which all files are timed in turns
    chief_minutes: float = 10.0  # that a worker on another machine waits for its chief

    def __post_init__(self):
        super().__post_init__()
        for name in ("trials", "latency_threads", "latency_rounds"):
            value = getattr(self, name)
            require(value >= 1, name, "1 or more", value)
        require(self.hyperband_factor >= 2, "hyperband_factor", "2 or more", self.hyperband_factor)
        require_not_negative(self, "chief_minutes")
