"""How a finished network is trained on, once something has been done to it."""

import dataclasses

from kd_keras.config.checks import (
    Section,
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
    """Which filters are taken out of a network."""

    fraction: float = 0.5  # of the filters of every convolution that can lose some

    def __post_init__(self):
        super().__post_init__()
        require_fraction("fraction", self.fraction)
        require_positive(self, "fraction")
