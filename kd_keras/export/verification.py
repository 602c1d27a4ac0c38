"""Whether a file still is the network that it was made from.

Every image is run through both. How long either takes is measured elsewhere.
"""

import dataclasses
import pathlib

import numpy as np

from kd_keras import metrics, models
from kd_keras.export import files, keras_file
from kd_keras.export.predictor import load_predictor
from kd_keras.export.verdict import Verdict

__all__ = ["settle_ties", "verify"]


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

    The model is taken in float32. A file in float32 has to give its logits, and its error; a file
    in fewer bits cannot give its logits, and has to keep its error.

    Args:
        model: The functional `keras.Model` that the file was written from.
        path: A `.keras` file, a SavedModel folder, a `.tflite` file or an `.onnx` file.
        images: In pixels from 0 to 255, uint8 or floating point: an array of shape (examples,
            height, width, channels), anything else with a length and slices, a `data.Split`, or
            a function without arguments that returns batches of images.
        labels: Class indices, shape (examples,).
        max_logit_difference: Largest difference of a logit that is allowed to a float32 file; of
            logits beyond 1, as a share of the largest, because rounding grows with them.
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
    verdict = Verdict(
        kind=kind,
        path=pathlib.Path(path),
        size_bytes=files.size_in_bytes(path),
        num_examples=len(labels),
        error_before_percent=metrics.top_k_error(before, labels, 1),
    )
    try:
        predictor = _open(network, path)
        verdict = dataclasses.replace(
            verdict, precision=predictor.precision, operations=predictor.operations
        )
        after = _file_logits(predictor, batches, standardize)
        reasons = _not_finite(after)
    except ValueError as error:
        reasons = (str(error),)
    if reasons:
        return dataclasses.replace(verdict, reasons=reasons)
    verdict = _compared(verdict, before, after, np.asarray(labels))
    max_logit_difference *= max(1.0, float(np.abs(before).max(initial=0.0)))
    if verdict.precision != "float32":
        max_logit_difference = None
    return dataclasses.replace(
        verdict,
        max_logit_difference=max_logit_difference,
        max_error_increase=max_error_increase,
        reasons=_reasons(verdict, max_logit_difference, max_error_increase),
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


def _open(network, path):
    predictor = load_predictor(path)
    predictor.check(network.input_shape[1:], network.output_shape[-1])
    return predictor


def _file_logits(predictor, batches, standardize):
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
    is_highest = after == after.max(axis=1, keepdims=True)
    after = settle_ties(after)
    return dataclasses.replace(
        verdict,
        tied_percent=float(100.0 * (is_highest.sum(axis=1) > 1).mean()),
        largest_logit_difference=float(difference.max()),
        mean_logit_difference=float(difference.mean()),
        agreement_percent=metrics.agreement(before, after),
        error_after_percent=metrics.top_k_error(after, labels, 1),
        negative_log_likelihood_before_nats=metrics.negative_log_likelihood(before, labels),
        negative_log_likelihood_after_nats=metrics.negative_log_likelihood(after, labels),
        expected_calibration_error_before_percent=metrics.expected_calibration_error(
            before, labels
        ),
        expected_calibration_error_after_percent=metrics.expected_calibration_error(after, labels),
    )


def settle_ties(logits):
    """The logits with the first of the highest alone at the top, which is what argmax takes.

    Logits of 8 bits are often equal, and `metrics` counts a tie against a network.

    Args:
        logits: A float32 array, shape (images, classes).

    Returns:
        Likewise.

    Example:
        >>> bool(np.diff(settle_ties(np.ones([1, 2], np.float32)))[0, 0] < 0)
        True
    """
    is_highest = logits == logits.max(axis=1, keepdims=True)
    is_second = is_highest & (np.cumsum(is_highest, axis=1) > 1)
    return np.where(is_second, np.nextafter(logits, np.float32(-np.inf)), logits)


def _reasons(verdict, max_logit_difference, max_error_increase):
    reasons = []
    if max_logit_difference is not None and (
        verdict.largest_logit_difference > max_logit_difference
    ):
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
