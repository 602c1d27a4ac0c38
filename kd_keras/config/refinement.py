"""How a finished network is trained on, once something has been done to it."""

import dataclasses

from kd_keras.config.checks import (
    Section,
    choice,
    location,
    require_fraction,
    require_not_negative,
    require_positive,
)

__all__ = ["Pruning", "Refinement"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refinement(Section):
    """The few epochs after a network was pruned or rounded; all else is as in its run."""

    epochs: int = 5
    learning_rate: float = 1e-3  # initial, falling as a cosine
    clip_norm: float = 1.0  # of the whole gradient; 0: none
    # of the training split, on which batch normalisation is measured anew before; 0: none
    statistics_images: int = 0

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "epochs", "learning_rate")
        require_not_negative(self, "clip_norm", "statistics_images")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pruning(Section):
    """How many filters are taken out of a network: a fraction, or what a budget asks for."""

    fraction: float = 0.5  # of the filters of every convolution that can lose some
    as_fast_as: str = location("")  # a run's folder: its network is the budget of time; empty: none
    format: str = choice("tflite_float32", "tflite_int8")  # of the files that are timed

    def __post_init__(self):
        super().__post_init__()
        require_fraction("fraction", self.fraction)
        require_positive(self, "fraction")
