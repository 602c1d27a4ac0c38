"""The teacher and the student."""

import dataclasses

from kd_keras import sizes
from kd_keras.config.checks import (
    Section,
    location,
    require,
    require_fraction,
    require_positive,
)

__all__ = ["Student", "Teacher"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Network(Section):
    """What a teacher and a student have in common."""

    network: str = "wide_resnet"
    depth: int = 16  # layers, as in WRN-depth-width
    width: int = 4  # factor on the channels
    dropout: float = 0.3  # probability, inside the residual blocks
    option: tuple[str, ...] = ()  # "argument=value", of the network beside the above
    path: str = location("")  # a .keras file or a run's folder instead of a new network

    binary_weights = False  # a student's choice alone

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "width")
        require_fraction("dropout", self.dropout)
        pairs = [entry.partition("=") for entry in self.option]
        for entry, (name, _, value) in zip(self.option, pairs, strict=True):
            require(name and value, "option", "ARGUMENT=VALUE", repr(entry))
        names = [name for name, _, _ in pairs]
        require(
            len(set(names)) == len(names), "option", "each argument once", ",".join(self.option)
        )
        sizes.check(self.network, self.depth, self.option)

    @property
    def options(self):
        """The options: texts by the argument's name."""
        return dict(entry.split("=", 1) for entry in self.option)

    @property
    def label(self):
        """A name for the network and its size, as in a folder's name.

        Example:
            >>> Student(network="resnet", depth=18, option=("stem=large",)).label
            'resnet-18-2-stem-large'
        """
        family, _, architecture = self.network.rpartition("/")
        parts = [architecture] if family else [self.network, str(self.depth), str(self.width)]
        parts += [f"{name}-{value}" for name, value in self.options.items()]
        return "-".join(parts).replace("/", "_")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Teacher(_Network):
    """The network that is known to be good."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Student(_Network):
    """The network that is to be small and fast."""

    depth: int = 10  # layers, as in WRN-depth-width
    width: int = 2  # factor on the channels
    binary_weights: bool = False  # one bit a weight in all convolutions but the first, for study

    @property
    def label(self):
        """A name for the network and its size, as in a folder's name."""
        return super().label + "-binary" * self.binary_weights
