"""The standardisation of images: what a network's own layer does, and the same before a file.

A file may be written without that layer. Its numbers are then in `export.json` beside the file, and
whoever gives images to the file standardises them by these.
"""

import keras
import numpy as np

from kd_keras import models

__all__ = ["describe_standardization", "find_line", "standardize"]


def _line_of_normalization(layer):
    """One that is inverted, x -> deviation x + mean, is not looked at."""
    if layer.invert:
        return None
    mean, variance = (np.asarray(part, np.float64) for part in (layer.mean, layer.variance))
    return -mean, 1 / np.maximum(np.sqrt(variance), keras.backend.epsilon())


def _line_of_rescaling(layer):
    """A scale of 0 stays as it is, and is left."""
    scale, offset = (np.asarray(part, np.float64) for part in (layer.scale, layer.offset))
    scale, offset = np.broadcast_arrays(scale, offset)
    return np.divide(offset, scale, out=np.zeros_like(offset), where=scale != 0), scale


_LINES = {
    keras.layers.Normalization: _line_of_normalization,
    keras.layers.Rescaling: _line_of_rescaling,
}


def find_line(layer):
    """What a layer does to every channel, where it is a `Normalization` or a `Rescaling`.

    Args:
        layer: Any operation.

    Returns:
        A shift and a scale, x -> scale (x + shift), arrays of one number or one per channel of
        the last axis; None of another operation, and where there are others, as one per pixel.
    """
    find = _LINES.get(type(layer))
    line = find and find(layer)
    if line is None or any(part.size != (part.shape or (1,))[-1] for part in line):
        return None
    return tuple(map(np.ravel, line))


def describe_standardization(model):
    """The mean and the deviation that a network's `standardization` layer has.

    They are those of the images that the network was first trained on, which need not be those of
    the data it is used on now.

    Args:
        model: A functional `keras.Model` with a layer called `standardization`.

    Returns:
        A dictionary of `mean` and `standard_deviation`, each one number per channel.

    Raises:
        ValueError: If there is no such layer, or it does something else.

    Example:
        >>> image = keras.Input((4, 4, 2))
        >>> standardization = keras.layers.Normalization(
        ...     mean=[1.0, 2.0], variance=[4.0, 4.0], name="standardization")
        >>> describe_standardization(keras.Model(image, standardization(image)))
        {'mean': [1.0, 2.0], 'standard_deviation': [2.0, 2.0]}
    """
    layer, channels = models.preprocessing(model), model.inputs[0].shape[-1]
    line = find_line(layer)
    if line is None or {part.size for part in line} - {1, channels} or not line[1].all():
        raise ValueError(
            f"Cannot tell by which numbers {model.name} standardises. Expected a layer "
            "standardization of the class Normalization, not inverted, or Rescaling, with one "
            f"number for each of {channels} channels. Received: {type(layer).__name__}. Leave it "
            "in the file: --include_preprocessing."
        )
    shift, scale = (np.broadcast_to(part, channels) for part in line)
    return {"mean": (-shift).tolist(), "standard_deviation": (1 / scale).tolist()}


def standardize(images, predictor):
    """Images as a file takes them.

    Args:
        images: Pixels from 0 to 255, shape (examples, height, width, channels).
        predictor: The file's `Predictor`.

    Returns:
        The images as they are; of a file without preprocessing standardised, in float32.

    Raises:
        ValueError: If it is not known by which numbers.
    """
    if predictor.includes_preprocessing:
        return images
    numbers = predictor.record.get("metadata", {}).get("standardization")
    if not numbers:
        raise ValueError(
            f"{predictor.path} takes standardised images. Expected their mean and deviation in "
            "export.json beside it. Received: none. Export it with --include_preprocessing."
        )
    mean, deviation = (np.array(numbers[name]) for name in ("mean", "standard_deviation"))
    return ((images - mean) / deviation).astype(np.float32)
