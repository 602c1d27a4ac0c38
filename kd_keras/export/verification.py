"""Whether a file still is the network that it was made from.

Every image is run through both. How long either takes is measured elsewhere.
"""

import dataclasses
import pathlib

import numpy as np

from kd_keras import metrics, models
from kd_keras.export import files, keras_file
from kd_keras.export.predictor import load_predictor

__all__ = ["Verdict", "verify"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a file compares with its model, and whether that is good enough.

    The figures about the file are None where it does not run or gives numbers that are not
    finite.

    Attributes:
        kind: `"keras"`, `"saved_model"` or `"tflite"`.
        path: Of the file or folder.
        size_bytes: Of the file, or of all files in the folder.
        num_examples: Images compared.
        largest_logit_difference: Over all images and classes.
        mean_logit_difference: Over all images and classes.
        agreement_percent: Images for which both choose the same class.
        error_before_percent: Of the model.
        error_after_percent: Of the file.
        reasons: Why it failed, as sentences; none where it passed.
    """

    kind: str
    path: pathlib.Path
    size_bytes: int
    num_examples: int
    error_before_percent: float
    largest_logit_difference: float | None = None
    mean_logit_difference: float | None = None
    agreement_percent: float | None = None
    error_after_percent: float | None = None
    reasons: tuple = ()

    @property
    def passed(self):
        """Whether there is no reason against it."""
        return not self.reasons

    def to_dictionary(self):
        """Plain values by name, as they are written to JSON."""
        values = dataclasses.asdict(self) | {"passed": self.passed}
        return values | {"path": str(self.path), "reasons": list(self.reasons)}


def verify(
    model,
    path,
    images,
    labels,
    *,
    max_logit_difference,
    max_error_increase,
    include_preprocessing=None,
    batch_size=256,
):
    """Run a file over all images and compare it with its model.

    The model is taken in float32, as the file is.

    Args:
        model: The functional `keras.Model` that the file was written from.
        path: A `.keras` file, a SavedModel folder or a `.tflite` file.
        images: In pixels from 0 to 255, uint8 or floating point: an array of shape (examples,
            height, width, channels), anything else with a length and slices, a `data.Split`, or
            a function without arguments that returns batches of images.
        labels: Class indices, shape (examples,).
        max_logit_difference: Largest difference of a logit that is allowed.
        max_error_increase: Percentage points by which the file's top-1 error may be higher.
        include_preprocessing: Whether the file takes pixels from 0 to 255; if not, it is given
            standardised images. By default as `export.json` beside it says, True without one.
        batch_size: Images at a time.

    Returns:
        A `Verdict`. A file that cannot be read or run is a failed one.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        TypeError: If the model is not functional.
        ValueError: If the model is no classifier, images and labels do not fit it, or there is
            no model at the path.

    Example:
        >>> import keras, tempfile
        >>> from kd_keras import export
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> paths = export.write(model, tempfile.mkdtemp(), formats=["saved_model"])
        >>> verdict = verify(
        ...     model, paths["saved_model"], np.ones((3, 4, 4, 1), np.uint8), [0, 1, 1],
        ...     max_logit_difference=1e-3, max_error_increase=0.0)
        >>> verdict.passed, verdict.num_examples, verdict.agreement_percent
        (True, 3, 100.0)
    """
    kind = files.kind_of(path)
    network = models.to_logits(models.to_float32(model))
    if include_preprocessing is None:
        include_preprocessing = files.read_record(path).get("include_preprocessing", True)
    standardize = None if include_preprocessing else models.preprocessing(network)
    before = _reference_logits(network, _batches(images, len(labels), batch_size))
    batches = _batches(images, len(labels), batch_size)
    try:
        after = _file_logits(network, path, batches, standardize)
        reasons = _not_finite(after)
    except ValueError as error:
        reasons = (str(error),)
    verdict = Verdict(
        kind=kind,
        path=pathlib.Path(path),
        size_bytes=files.size_in_bytes(path),
        num_examples=len(labels),
        error_before_percent=metrics.top_k_error(before, labels, 1),
        reasons=reasons,
    )
    if reasons:
        return verdict
    verdict = _compared(verdict, before, after, labels)
    return dataclasses.replace(
        verdict, reasons=_reasons(verdict, max_logit_difference, max_error_increase)
    )


def _batches(images, count, batch_size):
    if callable(images):
        yield from images()
        return
    if len(images) != count:
        raise ValueError(
            f"Images and labels disagree in number. Received: {len(images)} images, {count} labels."
        )
    for start in range(0, count, batch_size):
        stop = min(start + batch_size, count)
        if hasattr(images, "images_at"):
            yield images.images_at(np.arange(start, stop))
        else:
            yield np.asarray(images[start:stop])


def _reference_logits(network, batches):
    predict = keras_file.make_predict_function(network)
    logits = [np.empty((0, network.output_shape[-1]), np.float32)]
    return np.concatenate(logits + [predict(images) for images in batches])


def _file_logits(network, path, batches, standardize):
    predictor = load_predictor(path)
    predictor.check(network.input_shape[1:], network.output_shape[-1])
    if standardize is not None:
        batches = (standardize(images.astype(np.float32)).numpy() for images in batches)
    return np.concatenate([predictor.predict(images) for images in batches])


def _not_finite(logits):
    broken = ~np.isfinite(logits).all(axis=1)
    if not broken.any():
        return ()
    return (f"It gives numbers that are not finite for {broken.sum()} of {len(logits)} images.",)


def _compared(verdict, before, after, labels):
    difference = np.abs(after.astype(np.float64) - before)
    return dataclasses.replace(
        verdict,
        largest_logit_difference=float(difference.max()),
        mean_logit_difference=float(difference.mean()),
        agreement_percent=metrics.agreement(before, after),
        error_after_percent=metrics.top_k_error(after, labels, 1),
    )


def _reasons(verdict, max_logit_difference, max_error_increase):
    reasons = []
    if verdict.largest_logit_difference > max_logit_difference:
        reasons.append(
            f"A logit differs from the model's by {verdict.largest_logit_difference:.3g}. "
            f"Allowed: {max_logit_difference:.3g}."
        )
    increase = verdict.error_after_percent - verdict.error_before_percent
    if increase > max_error_increase + 1e-9:  # percentages of counts are rounded
        reasons.append(
            f"Its error of {verdict.error_after_percent:.2f}% is {increase:.2f} percentage points "
            f"above the model's. Allowed: {max_error_increase:.2f}."
        )
    return tuple(reasons)
