"""Where runs live, and what makes them repeatable."""

import dataclasses

from kd_keras.config.checks import Section, location, require, require_not_negative

__all__ = ["Processes", "Run"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run(Section):
    """Where a run lives and what makes it repeatable."""

    output_directory: str = location("saved_models")  # the folder of run folders
    name: str = ""  # the run's own folder; empty: made from what is trained
    seed: int = 0  # of initialisation, order, augmentation and dropout
    deterministic: bool = False  # slower kernels that give the same bits every time
    checkpoint_minutes: float = 10.0  # between two saves within an epoch; 0: at its end alone
    tensorboard: bool = False  # also log for TensorBoard
    debug: bool = False  # show the traceback of an error

    def __post_init__(self):
        super().__post_init__()
        require(0 <= self.seed < 2**31, "seed", "a number from 0 to 2147483647", self.seed)
        require_not_negative(self, "checkpoint_minutes")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Processes(Section):
    """How many runs there are at once, where a command makes several."""

    jobs: int = 1  # processes at once, each with its share of the machine

    def __post_init__(self):
        super().__post_init__()
        require(self.jobs >= 1, "jobs", "1 or more", self.jobs)
