"""What the student hears of the teacher, and where that is kept."""

import dataclasses

from kd_keras.config.checks import Section, choice, location, require, require_not_negative

__all__ = ["Cache", "Signal"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Signal(Section):
    """Which logits of the teacher the student is given.

    live: the teacher runs beside the student, on the view that the student sees. clean: its
    logits of the plain image, asked once. views: its logits of that very view, asked once.
    """

    source: str = choice("live", "clean", "views")
    ensemble: tuple[str, ...] = location(())  # further teachers; the signal is the mean of all
    mean_temperature: float = 0.0  # T at which their probabilities are averaged; 0: their logits
    dropout: bool = False  # the teacher's dropout is active while it is asked
    samples: int = 1  # answers kept of each view, where dropout is active
    top_k: int = 0  # largest logits kept of each image; 0: all classes
    storage: str = choice("float16", "float32")

    def __post_init__(self):
        super().__post_init__()
        require_not_negative(self, "mean_temperature", "top_k")
        require(
            self.ensemble or not self.mean_temperature,
            "mean_temperature",
            "0, unless ensemble names further teachers: one has no mean",
            self.mean_temperature,
        )
        require(self.samples >= 1, "samples", "1 or more", self.samples)
        require(
            self.samples == 1 or (self.dropout and self.source != "live"),
            "samples",
            "1, unless dropout is active and the source is clean or views: other answers are alike",
            self.samples,
        )
        require(
            not self.top_k or self.source != "live",
            "top_k",
            "0 where the source is live: nothing is stored",
            self.top_k,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cache(Section):
    """What is done with the stored answers of teachers."""

    action: str = choice("list", "build", "verify", "remove")
    entry: str = ""  # name of an entry, or its beginning; empty: the configuration's own
