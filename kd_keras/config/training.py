"""The recipe."""

import dataclasses

from kd_keras.config.checks import (
    Section,
    choice,
    require,
    require_fraction,
    require_not_negative,
    require_positive,
)

__all__ = ["Training"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training(Section):
    """The recipe: optimiser, schedule, precision and devices."""

    epochs: int = 30
    patience: int = 0  # epochs without a better student on validation, then it ends; 0: any number
    batch_size: int = 128  # images, over all devices together
    learning_rate: float = 0.1  # initial
    schedule: str = choice("step", "cosine", "constant")
    learning_rate_drops: tuple[int, ...] = ()  # epochs, from 1; empty: at 40% and 80%
    learning_rate_drop_factor: float = 0.1
    warmup_epochs: int = 0  # of a linear rise from 0
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4  # coupled, on every weight, as in PyTorch's SGD
    clip_norm: float = 0.0  # of the whole gradient; 0: none
    average_decay: float = 0.0  # of the exponential average of the weights; 0: none
    # auto: what the machine is quick in
    precision: str = choice("auto", "float32", "mixed_bfloat16", "mixed_float16")
    xla: str = choice("auto", "yes", "no")
    devices: str = "1"  # all, how many, or which GPUs: "0,2"; of each host
    host_minutes: float = 2.0  # how long the hosts of TF_CONFIG wait for each other
    micro_batches: int = 1  # parts of a batch, run one after the other to save memory
    checkpoint_gradients: bool = False  # compute activations twice to save memory

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "epochs", "batch_size", "learning_rate")
        require_not_negative(self, "warmup_epochs", "weight_decay", "clip_norm", "patience")
        require_not_negative(self, "host_minutes")
        require_fraction("momentum", self.momentum)
        require_fraction("average_decay", self.average_decay)
        factor = self.learning_rate_drop_factor
        require(0 < factor <= 1, "learning_rate_drop_factor", "above 0 and no more than 1", factor)
        drops = self.learning_rate_drops
        require(
            list(drops) == sorted(set(drops)) and all(drop >= 1 for drop in drops),
            "learning_rate_drops",
            "epochs from 1 on, in ascending order",
            ",".join(map(str, drops)),
        )
        require(
            self.warmup_epochs <= self.epochs,
            "warmup_epochs",
            f"no more than the {self.epochs} epochs",
            self.warmup_epochs,
        )
        require(
            self.momentum > 0 or not self.nesterov,
            "momentum",
            "a number above 0, because nesterov is set",
            self.momentum,
        )
        require(
            1 <= self.micro_batches <= self.batch_size,
            "micro_batches",
            f"1 to {self.batch_size}, the images in a batch",
            self.micro_batches,
        )
        expected = "all, a number above 0, or GPUs by their numbers, as 0,2"
        require(_names_devices(self.devices), "devices", expected, self.devices)


def _names_devices(text):
    numbers = text.removesuffix(",").split(",")
    if "," in text:
        return all(number.isdecimal() for number in numbers)
    return text == "all" or (text.isdecimal() and int(text) > 0)
