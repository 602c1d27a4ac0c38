"""The networks of `keras.applications`, with this project's images and classes.

Nothing is downloaded: they start from random weights.
"""

import contextlib
import inspect
import random

import keras

from kd_keras.models import layers

__all__ = ["application", "defaults_of"]

# What the network is given here, whatever the user says.
_SETTLED = {
    "classes",
    "classifier_activation",
    "include_preprocessing",
    "include_top",
    "input_shape",
    "input_tensor",
    "name",
    "pooling",
    "weights",
}

# They begin with layers that scale pixels from 0 to 255, and have no argument to leave them out.
_TAKING_PIXELS = {f"EfficientNetB{number}" for number in range(8)}


def application(
    architecture,
    image_shape,
    num_classes,
    *,
    image_size=0,
    mean=None,
    standard_deviation=None,
    seed=None,
    name=None,
    **options,
):
    """A network of `keras.applications` from images to logits, as published but for the classes.

    Its layers have Keras's names, which are its taps. What it expects of the pixels is left to
    `mean` and `standard_deviation`: preprocessing of its own is left out. EfficientNetB0 to B7
    cannot do without theirs, which divides by 255: they are given the pixels as they are, use
    neither of the two, and no file can be written of them that takes standardised images.

    Batch normalisation has the published momentum, in some 0.999: the moving statistics, with
    which a network is evaluated, need thousands of steps then.

    Args:
        architecture: Its name, such as `"MobileNetV2"`.
        image_shape: (height, width, channels) in pixels; most take 32 pixels and more.
        num_classes: Number of classes.
        image_size: Side in pixels to which the network scales its images; 0: as they are.
        mean: Per channel, in pixel units from 0 to 255, subtracted from the image; as of
            `wide_resnet`.
        standard_deviation: Per channel, in the same units.
        seed: Makes initialisation and dropout repeatable.
        name: Name of the model; that of the architecture by default.
        **options: The network's own arguments: see `defaults_of`.

    Returns:
        A functional `keras.Model` from `image`, shape (batch, height, width, channels), to
        float32 logits, shape (batch, classes).

    Raises:
        ValueError: If the network does not take images of that size.

    Example:
        >>> network = application("MobileNet", (32, 32, 3), 10, alpha=0.25)
        >>> network.output.shape
        (None, 10)
    """
    layers.check_sizes(num_classes)
    function = getattr(keras.applications, architecture)
    image = keras.Input(image_shape, name="image")
    x = image
    if architecture not in _TAKING_PIXELS:
        x = layers.standardize(image, mean, standard_deviation)
    if image_size:
        x = keras.layers.Resizing(image_size, image_size, name="scaling")(x)
    given = {"include_top": True, "weights": None, "classifier_activation": None}
    if "include_preprocessing" in inspect.signature(function).parameters:
        given["include_preprocessing"] = False
    with _python_seed(seed):
        try:
            network = function(
                input_shape=tuple(x.shape[1:]),
                input_tensor=x,
                classes=num_classes,
                **given,
                **options,
            )
        except ValueError as error:
            raise ValueError(
                f"{architecture} cannot be built for images of {tuple(x.shape[1:])}. Received: "
                f"{' '.join(str(error).split()).rstrip('.')}. Most networks of keras.applications "
                "take 32 pixels and more, to which they scale with the option image_size=32."
            ) from None
    logits = network.output
    if logits.dtype != "float32":
        logits = keras.layers.Activation("linear", dtype="float32", name="logits")(logits)
    return keras.Model(image, logits, name=name or architecture)


def defaults_of(architecture):
    """The arguments that may be given to a network, with their defaults.

    Example:
        >>> defaults_of("MobileNetV2")
        {'image_size': 0, 'alpha': 1.0}
    """
    parameters = inspect.signature(getattr(keras.applications, architecture)).parameters
    return {"image_size": 0} | {
        key: parameter.default
        for key, parameter in parameters.items()
        if key not in _SETTLED and isinstance(parameter.default, bool | int | float | str)
    }


@contextlib.contextmanager
def _python_seed(seed):
    """Where a layer is given no seed, Keras draws one from Python's generator."""
    if seed is None:
        yield
        return
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
