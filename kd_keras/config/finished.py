"""What is done with finished models."""

import dataclasses

from kd_keras.config.checks import Section, choice, require, require_not_negative

__all__ = ["Evaluation", "Export"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation(Section):
    """Which finished model is looked at, and on which images."""

    run: str = ""  # a run's folder
    model: str = ""  # a .keras file, a SavedModel folder or a .tflite file
    split: str = choice("test", "validation", "train")

    def __post_init__(self):
        super().__post_init__()
        require(not (self.run and self.model), "run and model", "one of the two", "both")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Export(Section):
    """Which files are written, and when one of them fails."""

    formats: tuple[str, ...] = ("saved_model", "tflite_float32")
    include_preprocessing: bool = True  # the file takes pixels from 0 to 255
    max_logit_difference: float = 1e-3  # largest allowed, to the Keras model
    max_error_increase: float = 0.0  # percentage points allowed on the split

    def __post_init__(self):
        super().__post_init__()
        require(self.formats, "formats", "at least one format", "none")
        require_not_negative(self, "max_logit_difference", "max_error_increase")
