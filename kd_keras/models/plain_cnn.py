"""A plain convolutional network: a residual one without its shortcuts."""

import keras

from kd_keras import sizes
from kd_keras.models import layers

__all__ = ["plain_cnn"]

_BASE_FILTERS = 16
_GROUPS = 3


def plain_cnn(
    image_shape,
    num_classes,
    *,
    depth=8,
    width=1,
    stem="small",
    mean=None,
    standard_deviation=None,
    seed=None,
    name=None,
):
    """A chain of 3x3 convolutions, each with batch normalisation and ReLU, and a linear layer.

    A stem of 16 filters, three groups of (depth - 2) / 3 convolutions with 16, 32 and 64 times
    `width` filters, of which the first of the second and third group has stride 2, the global
    average and one linear layer. With a depth of 6n + 2 and width 1 it is the plain network that
    He et al. set beside ResNet-(6n + 2), with as many parameters.

    Taps, by layer name: `stem` (before its normalisation), `group1`, `group2`, `group3` (the
    group's last batch normalisation, before the ReLU), `pooled`.

    Args:
        image_shape: (height, width, channels) in pixels.
        num_classes: Number of classes.
        depth: 3n + 2: 5, 8, 11, 14, 17, 20, ...
        width: Factor on the channels of the groups, 1 or more.
        stem: "small", a 3x3 convolution, or "large", 7x7 of stride 2 and 3x3 max pooling.
        mean: Per channel, in pixel units from 0 to 255, subtracted from the image; as of
            `wide_resnet`.
        standard_deviation: Per channel, in the same units.
        seed: Makes initialisation repeatable.
        name: Name of the model; `plain_cnn-depth-width` by default.

    Returns:
        A functional `keras.Model` from `image`, shape (batch, height, width, channels), to
        float32 logits, shape (batch, classes).

    Raises:
        ValueError: If there is no such depth or stem, or a size is out of range.

    Example:
        >>> [layer.name for layer in plain_cnn((8, 8, 3), 10, depth=5).layers][-2:]
        ['pooled', 'logits']

    Reference:
        He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2016, section 4.2.
    """
    layers.check_sizes(num_classes, width=width)
    convolutions = sizes.plain_cnn_convolutions(depth)
    seeds = layers.Seeds(seed)
    image = keras.Input(image_shape, name="image")
    x = layers.standardize(image, mean, standard_deviation)
    x = layers.make_stem(x, _BASE_FILTERS, kind=stem, seeds=seeds)
    for group in range(_GROUPS):
        for number in range(convolutions):
            label = f"group{group + 1}_convolution{number + 1}"
            x = layers.convolution(
                _BASE_FILTERS * 2**group * width,
                3,
                stride=2 if group > 0 and number == 0 else 1,
                seeds=seeds,
                name=label,
            )(x)
            last = number == convolutions - 1
            tap = f"group{group + 1}" if last else f"{label}_normalization"
            x = layers.batch_normalization(name=tap)(x)
            x = keras.layers.ReLU(name=f"{label}_relu")(x)
    logits = layers.classify(x, num_classes, seeds=seeds)
    return keras.Model(image, logits, name=name or f"plain_cnn-{depth}-{width}")
