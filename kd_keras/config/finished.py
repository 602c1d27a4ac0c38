"""What is done with finished models."""

import dataclasses

from kd_keras.config.checks import (
    Section,
    choice,
    location,
    require,
    require_not_negative,
    require_positive,
)

__all__ = ["Evaluation", "Export", "Predict"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation(Section):
    """Which finished model is looked at, and on which images."""

    run: str = location("")  # a run's folder
    model: str = location("")  # a .keras, .tflite or .onnx file or a SavedModel folder
    split: str = choice("test", "validation", "train")

    def __post_init__(self):
        super().__post_init__()
        require(not (self.run and self.model), "run and model", "one of the two", "both")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Export(Section):
    """Which files are written, and when one of them fails."""

    formats: tuple[str, ...] = ("saved_model", "tflite_float32")
    include_preprocessing: bool = True  # the file takes pixels from 0 to 255
    static_batch: int = 0  # images at a time that the file takes; 0: any number
    calibration_images: int = 500  # of the training split, from which ranges are learnt
    licence: str = ""  # of the weights, written into the files
    latency_repeats: int = 100  # timed calls of each file; 0: none
    max_logit_difference: float = 1e-3  # largest allowed in float32, to the Keras model
    max_error_increase: float = 0.5  # percentage points allowed on the split

    def __post_init__(self):
        super().__post_init__()
        require(self.formats, "formats", "at least one format", "none")
        require_positive(self, "calibration_images")
        require_not_negative(self, "static_batch", "latency_repeats")
        require_not_negative(self, "max_logit_difference", "max_error_increase")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Predict(Section):
    """Which pictures a finished model is asked about, and what is told of them."""

    images: tuple[str, ...] = location(())  # pictures, and folders of pictures
    top_k: int = 3  # classes told of each picture, the likeliest
    output: str = location("")  # a .csv or .json file; empty: the screen

    def __post_init__(self):
        super().__post_init__()
        require_positive(self, "top_k")
