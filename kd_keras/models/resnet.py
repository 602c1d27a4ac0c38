"""Residual networks of basic blocks, for small images and for large ones."""

import keras

from kd_keras import registry, sizes
from kd_keras.models import layers

__all__ = ["resnet"]

_BASE_FILTERS = 16
_SHORTCUTS = ("auto", "convolution", "identity")


def resnet(
    image_shape,
    num_classes,
    *,
    depth=20,
    width=1,
    stem="small",
    stem_filters=0,
    shortcut="auto",
    mean=None,
    standard_deviation=None,
    seed=None,
    name=None,
):
    """A residual network whose blocks rectify after the sum, ResNet-depth.

    A block is conv3x3-BN-ReLU-conv3x3-BN, the input added, and a ReLU. With the small stem, a 3x3
    convolution, there are three groups of (depth - 2) / 6 blocks with 16, 32 and 64 times `width`
    filters; with the large one, 7x7 of stride 2 and 3x3 max pooling, four groups, up to 128 times
    `width`: ResNet-18 and ResNet-34 are those of width 4. Every group but the first halves the
    image.

    A shortcut between unlike shapes is `identity`: every second pixel, and channels of zeros
    behind; or `convolution`: a 1x1 convolution and batch normalisation. The publication has the
    first for small images and the second for large ones, which `auto` is. The networks of
    RepDistiller have the second always: its ResNet-8x4 is depth 8, width 4, stem_filters 32,
    shortcut convolution.

    Taps, by layer name: `stem` (before its normalisation), `group1`, `group2`, `group3` and with
    the large stem `group4` (sums before the ReLU), `pooled`.

    Args:
        image_shape: (height, width, channels) in pixels.
        num_classes: Number of classes.
        depth: 6n + 2: 8, 14, 20, 32, 44, 56, 110, ...; with the large stem 10, 18 or 34.
        width: Factor on the channels, 1 or more.
        stem: "small" or "large".
        stem_filters: Channels of the stem; 0: 16, with the large stem 16 times `width`.
        shortcut: "auto", "identity" or "convolution".
        mean: Per channel, in pixel units from 0 to 255, subtracted from the image; as of
            `wide_resnet`.
        standard_deviation: Per channel, in the same units.
        seed: Makes initialisation repeatable.
        name: Name of the model; `resnet-depth-width` by default.

    Returns:
        A functional `keras.Model` from `image`, shape (batch, height, width, channels), to
        float32 logits, shape (batch, classes).

    Raises:
        ValueError: If there is no such depth, stem or shortcut, or a size is out of range.

    Example:
        >>> resnet((32, 32, 3), 10, depth=20).count_params()
        271098

    Reference:
        He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", 2016, sections 3.3
        and 4.2.
    """
    layers.check_sizes(num_classes, width=width)
    blocks = sizes.resnet_blocks(depth, stem)
    if shortcut not in _SHORTCUTS:
        raise registry.unknown_name("shortcut", _SHORTCUTS, shortcut)
    if shortcut == "auto":
        shortcut = "convolution" if stem == "large" else "identity"
    first = stem_filters or _BASE_FILTERS * (width if stem == "large" else 1)
    if shortcut == "identity" and first > _BASE_FILTERS * width:
        raise ValueError(
            f"Invalid value for stem_filters. Expected up to {_BASE_FILTERS * width}, the channels "
            f"of the first group, because shortcuts are identities. Received: {first}. "
            "Set shortcut to convolution."
        )
    seeds = layers.Seeds(seed)
    image = keras.Input(image_shape, name="image")
    x = layers.standardize(image, mean, standard_deviation)
    x = layers.make_stem(x, first, kind=stem, seeds=seeds)
    for group, repeats in enumerate(blocks):
        for block in range(repeats):
            label = f"group{group + 1}_block{block + 1}"
            x = _block(
                x,
                filters=_BASE_FILTERS * 2**group * width,
                stride=2 if group > 0 and block == 0 else 1,
                shortcut=shortcut,
                seeds=seeds,
                label=label,
                name=f"group{group + 1}" if block == repeats - 1 else f"{label}_sum",
            )
    logits = layers.classify(x, num_classes, seeds=seeds)
    return keras.Model(image, logits, name=name or f"resnet-{depth}-{width}")


def _block(x, *, filters, stride, shortcut, seeds, label, name):
    first, second = f"{label}_convolution1", f"{label}_convolution2"
    branch = layers.convolution(filters, 3, stride=stride, seeds=seeds, name=first)(x)
    branch = layers.normalize_and_rectify(branch, first)
    branch = layers.convolution(filters, 3, seeds=seeds, name=second)(branch)
    branch = layers.batch_normalization(name=f"{second}_normalization")(branch)
    if stride > 1 or x.shape[-1] != filters:
        reshape = _convolve if shortcut == "convolution" else _pick_and_pad
        x = reshape(x, filters, stride, seeds=seeds, name=f"{label}_shortcut")
    x = keras.layers.Add(name=name)([x, branch])
    return keras.layers.ReLU(name=f"{label}_relu")(x)


def _convolve(x, filters, stride, *, seeds, name):
    x = layers.convolution(filters, 1, stride=stride, seeds=seeds, name=name)(x)
    return layers.batch_normalization(name=f"{name}_normalization")(x)


def _pick_and_pad(x, filters, stride, *, seeds, name):
    del seeds
    if stride > 1:
        x = keras.layers.AveragePooling2D(1, strides=stride, padding="same", name=name)(x)
    missing = filters - x.shape[-1]
    return keras.ops.pad(x, [[0, 0], [0, 0], [0, 0], [0, missing]]) if missing else x
