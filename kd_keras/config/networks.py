"""The teacher and the student."""

import dataclasses

from kd_keras import sizes
from kd_keras.config.checks import Section, require_fraction, require_positive

__all__ = ["Student", "Teacher"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Network(Section):
    """What a teacher and a student have in common."""

    network: str = "wide_resnet"
    depth: int = 16  # layers, as in WRN-depth-width
    width: int = 4  # factor on the channels
    dropout: float = 0.3  # probability, inside the residual blocks
    path: str = ""  # a .keras file or a run's folder instead of a new network

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "width")
        sizes.check(self.network, self.depth)
        require_fraction("dropout", self.dropout)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Teacher(_Network):
    """The network that is known to be good."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Student(_Network):
    """The network that is to be small and fast."""

    depth: int = 10  # layers, as in WRN-depth-width
    width: int = 2  # factor on the channels
