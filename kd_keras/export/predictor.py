"""Predictions of a finished model, whatever kind of file it is in.

Each kind is opened by the module that knows it. Errors are single sentences, because what is
opened here comes from outside.
"""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from kd_keras import registry
from kd_keras.export import files

__all__ = ["KINDS_WITH_THREADS", "Predictor", "choose_output", "load_predictor"]

KINDS_WITH_THREADS = ("onnx", "tflite")

_READERS = {
    "keras": "kd_keras.export.keras_file:read_keras_file",
    "onnx": "kd_keras.export.onnx:read_onnx",
    "saved_model": "kd_keras.export.saved_model:read_saved_model",
    "tflite": "kd_keras.export.tflite:read_tflite",
}


def load_predictor(path, *, num_threads=None):
    """Open a finished model for prediction.

    Args:
        path: A `.keras` file (loaded without running code that it carries), a SavedModel folder,
            a `.tflite` file or an `.onnx` file.
        num_threads: Of a `.tflite` or `.onnx` file; the machine's cores by default.

    Returns:
        A `Predictor`.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If it is no model, is damaged or not the one that `export.json` beside it was
            written with, or is not from images to logits.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> from kd_keras import export
        >>> paths = export.write(model, tempfile.mkdtemp(), formats=["tflite_float32"])
        >>> predictor = load_predictor(paths["tflite_float32"])
        >>> predictor.kind, predictor.input_shape, predictor.num_classes
        ('tflite', (4, 4, 1), 2)
        >>> predictor.predict(np.zeros((3, 4, 4, 1), np.uint8)).shape
        (3, 2)
    """
    path = pathlib.Path(path)
    kind = files.kind_of(path)
    files.require_unchanged(path)
    read = registry.locate("kind of model", _READERS, kind)
    return read(path, num_threads=num_threads) if kind in KINDS_WITH_THREADS else read(path)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Predictor:
    """A model from images to logits that is ready to run.

    Attributes:
        path: Where it came from.
        kind: `"keras"`, `"onnx"`, `"saved_model"` or `"tflite"`.
        run: Called with a batch of float32 images, returns their logits.
        image_shape: (batch, height, width, channels) as the file has it; None where free.
        logits_shape: (batch, classes) as the file has it.
        output_name: Of the output that is read.
        output_step: By how much neighbouring numbers of that output differ, where it is in whole
            numbers; 0.0 where it is in floating point.
        class_names: Those in the file, or none.
        precision: What it computes in: `"float32"`, or what its weights and activations are.
        operations: How often each operation is in the file, by name; empty where the kind of
            file does not say.
    """

    path: pathlib.Path
    kind: str
    run: Callable = dataclasses.field(repr=False)
    image_shape: tuple
    logits_shape: tuple
    output_name: str = "logits"
    output_step: float = 0.0
    class_names: tuple = dataclasses.field(default=(), repr=False)
    precision: str = "float32"
    operations: dict = dataclasses.field(default_factory=dict, repr=False)

    def __post_init__(self):
        shapes = self.image_shape, self.logits_shape
        if tuple(map(len, shapes)) != (4, 2) or self.num_classes is None:
            raise ValueError(
                f"No classifier of images at {self.path}. Expected a model from (batch, height, "
                "width, channels) to (batch, classes). "
                f"Received: {self.image_shape} to {self.logits_shape}."
            )

    @property
    def input_shape(self):
        """(height, width, channels); None where the file takes any."""
        return self.image_shape[1:]

    @property
    def num_classes(self):
        """Number of classes."""
        return self.logits_shape[1]

    @property
    def size_bytes(self):
        """Size of the file, or of all files in the folder, in bytes."""
        return files.size_in_bytes(self.path)

    @property
    def record(self):
        """What `export.write` noted beside the file, or an empty dictionary."""
        return files.read_record(self.path)

    @property
    def includes_preprocessing(self):
        """Whether it takes pixels from 0 to 255, as the record beside the file says.

        True where there is no record.
        """
        return self.record.get("include_preprocessing", True)

    def check(self, input_shape=None, num_classes=None, class_names=()):
        """Refuse data that this model is not for.

        Args:
            input_shape: (height, width, channels) of the data's images; None where it is free.
            num_classes: The data's number of classes.
            class_names: The data's classes. They are compared where the file has names too.

        Raises:
            ValueError: If the model has another image size, number of classes or other classes.
        """
        if input_shape is not None and not self._takes(input_shape):
            raise ValueError(
                "Model and data disagree on the image shape. "
                f"Received: model {self.input_shape}, data {tuple(input_shape)}."
            )
        if num_classes is not None and num_classes != self.num_classes:
            raise ValueError(
                "Model and data disagree on the number of classes. "
                f"Received: model {self.num_classes}, data {num_classes}."
            )
        for number, (own, other) in enumerate(zip(self.class_names, class_names, strict=False)):
            if own != other:
                raise ValueError(
                    f"Model and data disagree on class {number}, counted from 0. "
                    f"Received: model {own}, data {other}."
                )

    def _takes(self, input_shape):
        return len(input_shape) == 3 and all(
            expected == received or None in (expected, received)
            for expected, received in zip(self.input_shape, input_shape, strict=True)
        )

    def predict(self, images, batch_size=256):
        """Logits of images.

        Args:
            images: Shape (examples, height, width, channels), uint8 or floating point, in pixels
                from 0 to 255 (standardised where the file has no preprocessing).
            batch_size: Images at a time. A file with a batch size of its own keeps it.

        Returns:
            Logits, float32, shape (examples, classes).

        Raises:
            TypeError: If the images are of another type.
            ValueError: If they are of another shape, the file does not run, or it returns
                probabilities.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
            raise TypeError(
                f"Invalid type of images. Expected uint8 or floats. Received: {images.dtype}."
            )
        if images.ndim != 4:
            raise ValueError(
                "Invalid shape of images. Expected (examples, height, width, channels). "
                f"Received: {images.shape}."
            )
        self.check(input_shape=images.shape[1:])
        step = self.image_shape[0] or batch_size
        logits = [np.empty((0, self.num_classes), np.float32)]
        for start in range(0, len(images), step):
            logits.append(self._logits(images[start : start + step]))
        return self._checked(np.concatenate(logits))

    def _logits(self, images):
        count, fixed = len(images), self.image_shape[0] or 0
        images = images.astype(np.float32)
        if count < fixed:
            images = np.concatenate([images, np.zeros((fixed - count, *images.shape[1:]))])
        return np.asarray(self.run(images.astype(np.float32)), np.float32)[:count]

    def _checked(self, logits):
        within = ((logits >= 0) & (logits <= 1)).all()
        if self.output_name == "logits" or not len(logits) or not within:
            return logits
        rounding = self.output_step / 2 * self.num_classes
        if np.allclose(logits.sum(axis=1), 1, atol=max(1e-3, rounding)):
            raise ValueError(
                f"Expected logits from {self.path}. Received: probabilities, from its output "
                f"{self.output_name}. Export the model without its softmax."
            )
        return logits


def choose_output(path, names):
    """Which of a file's outputs holds the logits.

    Args:
        path: Of the file, for the error.
        names: Of its outputs.

    Returns:
        `"logits"` if there is one of that name, else the only name there is.

    Raises:
        ValueError: If there are several outputs and none is called logits.
    """
    if "logits" in names:
        return "logits"
    if len(names) != 1:
        raise ValueError(
            f"No logits in {path}. Expected an output called logits, or one output only. "
            f"Received: {', '.join(sorted(names))}."
        )
    return next(iter(names))
