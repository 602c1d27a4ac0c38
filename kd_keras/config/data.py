"""Which images, how they are split, and how they are varied."""

import dataclasses

from kd_keras.config.checks import (
    Section,
    choice,
    require,
    require_fraction,
    require_not_negative,
    require_positive,
)

__all__ = ["Data"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data(Section):
    """Which images, how they are split, and how they are varied in training."""

    dataset: str = "digits"
    data_directory: str = ""  # where the data lies; empty: the dataset's own place
    download: bool = False  # fetch what is missing
    cache_directory: str = "~/.cache/kd_keras"  # decoded images, stored logits
    memory_limit_gigabytes: float = 4.0  # above it, images are mapped from disk
    validation_fraction: float = 0.1  # of train; 0: no validation, the last epoch is kept
    test_fraction: float = 0.1  # of train, where the data has no test split
    split_seed: int = 0  # of the validation and test split, apart from the run's seed
    max_train_examples: int = 0  # use no more training images than this; 0: all
    image_size: int = 0  # side in pixels that the pictures must have; 0: the first one's
    resize: bool = False  # scale pictures of another size to image_size
    crop_padding: int = -1  # pixels on each side before a random crop; -1: an eighth of the side
    padding: str = choice("zero", "reflect")
    flip: str = choice("auto", "yes", "no")  # auto: where the dataset allows it
    views: int = 0  # augmented views of an image before they repeat; 0: a new one every epoch
    view_seed: int = 0  # of the views, apart from the run's seed, so that runs share them

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "memory_limit_gigabytes")
        require_fraction("validation_fraction", self.validation_fraction)
        require_fraction("test_fraction", self.test_fraction)
        require_not_negative(self, "split_seed", "max_train_examples", "image_size", "views")
        require(self.crop_padding >= -1, "crop_padding", "-1 or more", self.crop_padding)
        require(0 <= self.view_seed < 2**31, "view_seed", "0 to 2147483647", self.view_seed)
        require(
            not self.resize or self.image_size > 0,
            "image_size",
            "the side in pixels to scale to, because resize is set",
            self.image_size,
        )
