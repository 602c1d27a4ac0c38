"""MobileNet: a convolution of each channel by itself, then one of the channels alone."""

import keras

from kd_keras import registry, sizes
from kd_keras.models import layers

__all__ = ["mobile_net"]

_STRIDES = {"small": 1, "large": 2}
_BASE_FILTERS = 16


def mobile_net(
    image_shape,
    num_classes,
    *,
    depth=28,
    width=4,
    stem="small",
    mean=None,
    standard_deviation=None,
    seed=None,
    name=None,
):
    """MobileNet, the first version, with its width multiplier in quarters.

    A 3x3 stem of 8 times `width` filters, then blocks of a 3x3 depthwise and a 1x1 convolution,
    each with batch normalisation and ReLU: 1, 2, 2, 1 + n and 2 of them with 16, 32, 64, 128 and
    256 times `width` filters; the first block of every group but the first halves the image. Then
    the global average and one linear layer. Width 4 and depth 28, n = 5, is the published
    network; widths 3, 2 and 1 are its multipliers 0.75, 0.5 and 0.25, and depth 18 its shallow
    form.

    The large stem has stride 2, as published for 224 pixels; the small one has stride 1.

    Taps, by layer name: `stem` (before its normalisation), `group1` to `group5` (the group's last
    batch normalisation, before the ReLU), `pooled`.

    Args:
        image_shape: (height, width, channels) in pixels.
        num_classes: Number of classes.
        depth: 2n + 18, n of 0 or more.
        width: Quarters of the published channels, 1 or more.
        stem: "small" or "large".
        mean: Per channel, in pixel units from 0 to 255, subtracted from the image; as of
            `wide_resnet`.
        standard_deviation: Per channel, in the same units.
        seed: Makes initialisation repeatable.
        name: Name of the model; `mobile_net-depth-width` by default.

    Returns:
        A functional `keras.Model` from `image`, shape (batch, height, width, channels), to
        float32 logits, shape (batch, classes).

    Raises:
        ValueError: If there is no such depth or stem, or a size is out of range.

    Example:
        >>> mobile_net((32, 32, 3), 10, width=1).get_layer("group5").output.shape
        (None, 2, 2, 256)

    Reference:
        Howard and others, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
        Applications", 2017, table 1.
    """
    layers.check_sizes(num_classes, width=width)
    if stem not in _STRIDES:
        raise registry.unknown_name("stem", _STRIDES, stem)
    blocks = (1, 2, 2, 1 + sizes.mobile_net_repeats(depth), 2)
    seeds = layers.Seeds(seed)
    image = keras.Input(image_shape, name="image")
    x = layers.standardize(image, mean, standard_deviation)
    x = layers.convolution(
        _BASE_FILTERS // 2 * width, 3, stride=_STRIDES[stem], seeds=seeds, name="stem"
    )(x)
    x = layers.normalize_and_rectify(x, "stem")
    for group, repeats in enumerate(blocks):
        for block in range(repeats):
            label = f"group{group + 1}_block{block + 1}"
            x = _block(
                x,
                filters=_BASE_FILTERS * 2**group * width,
                stride=2 if group > 0 and block == 0 else 1,
                seeds=seeds,
                label=label,
                tap=f"group{group + 1}" if block == repeats - 1 else f"{label}_normalization",
            )
    logits = layers.classify(x, num_classes, seeds=seeds)
    return keras.Model(image, logits, name=name or f"mobile_net-{depth}-{width}")


def _block(x, *, filters, stride, seeds, label, tap):
    x = layers.depthwise_convolution(stride=stride, seeds=seeds, name=f"{label}_depthwise")(x)
    x = layers.normalize_and_rectify(x, f"{label}_depthwise")
    x = layers.convolution(filters, 1, seeds=seeds, name=f"{label}_pointwise")(x)
    x = layers.batch_normalization(name=tap)(x)
    return keras.layers.ReLU(name=f"{label}_relu")(x)
