"""Comparisons of methods, and the page about a run or a comparison."""

import dataclasses

from kd_keras.config.checks import Section, location, require, require_not_negative

__all__ = ["Compare", "Report"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compare(Section):
    """Methods and seeds, all on one teacher.

    A method is a label and what it changes in the configuration: pairs of a field, such as
    `distillation.temperature`, and its value.
    """

    methods: tuple[tuple[str, tuple[tuple[str, object], ...]], ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self):
        super().__post_init__()
        require(self.seeds, "seeds", "at least one seed", "none")
        require(
            len(set(self.seeds)) == len(self.seeds) and all(0 <= s < 2**31 for s in self.seeds),
            "seeds",
            "different numbers from 0 to 2147483647",
            ",".join(map(str, self.seeds)),
        )
        labels = [label for label, _ in self.methods]
        require(len(set(labels)) == len(labels), "methods", "each label once", ", ".join(labels))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report(Section):
    """What the page shows."""

    class_name: str = ""  # of the histograms of logits; empty: the class that is most confused
    images: int = 24  # of those on which teacher and student disagree
    beside: tuple[str, ...] = location(())  # folders of runs whose exported files are timed too

    def __post_init__(self):
        super().__post_init__()
        require_not_negative(self, "images")
