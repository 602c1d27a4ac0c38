"""The form of a network that goes into a file: float32, from images to logits."""

import keras

from kd_keras import models

__all__ = ["prepare"]


def prepare(model, *, class_names=(), include_preprocessing=True):
    """Turn a classifier into what every format writes, and check it.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities.
        class_names: One per class, or none.
        include_preprocessing: Whether the file takes pixels from 0 to 255. Without it the
            network's `standardization` layer is left out, and the file takes standardised
            images.

    Returns:
        A functional model in float32 from one tensor of images to logits.

    Raises:
        TypeError: If the model is not functional, or a name is no string.
        ValueError: If the model is no classifier of images, or the names do not fit it.
    """
    model = models.to_logits(models.to_float32(model))
    if not include_preprocessing:
        model = models.without_preprocessing(model)
    image, logits = model.inputs[0], model.outputs[0]
    if len(image.shape) != 4 or len(logits.shape) != 2 or logits.shape[1] is None:
        raise ValueError(
            "Expected a model from (batch, height, width, channels) to (batch, classes). "
            f"Received: {image.shape} to {logits.shape}."
        )
    _check_class_names(class_names, logits.shape[1])
    return keras.Model(image, logits, name=model.name)


def _check_class_names(class_names, num_classes):
    if not class_names:
        return
    for name in class_names:
        if not isinstance(name, str):
            raise TypeError(f"Invalid class name. Expected a string. Received: {name!r}.")
        if "\n" in name:
            raise ValueError(f"Invalid class name. Expected one line. Received: {name!r}.")
    if len(class_names) != num_classes:
        raise ValueError(
            f"Model and class names disagree on the number of classes. "
            f"Received: model {num_classes}, class names {len(class_names)}."
        )
