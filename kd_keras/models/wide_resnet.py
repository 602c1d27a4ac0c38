"""Wide residual networks: teacher and student of the paper, and their forms for large images."""

import keras

from kd_keras import sizes
from kd_keras.models import layers

__all__ = ["wide_resnet"]

_STEM_FILTERS = {"large": 64, "small": 16}


def wide_resnet(
    image_shape,
    num_classes,
    *,
    depth=10,
    width=4,
    dropout=0.3,
    stem="small",
    groups=0,
    mean=None,
    standard_deviation=None,
    seed=None,
    name=None,
):
    """A pre-activation wide residual network, WRN-depth-width.

    A 3x3 stem of 16 filters, three groups of (depth - 4) / 6 blocks with 16, 32 and 64 times
    `width` filters (all but the first halve the image), batch normalisation, ReLU, global
    average and one linear layer. A block is BN-ReLU-conv3x3-BN-ReLU-dropout-conv3x3 with the
    input added; where the number of channels or the size changes, the shortcut is a 1x1
    convolution of the block's first activation.

    The large stem, for images of 224 pixels, is 7x7 of stride 2 with 64 filters, BN, ReLU and 3x3
    max pooling; four groups follow, with 64, 128, 256 and 512 times `width` filters: width 1 has
    the channels of ResNet-18 and ResNet-34, width 2 is the published WRN-18-2.

    Convolutions of k x k pixels have no bias and are drawn with variance 2 / (k * k * filters);
    batch normalisation has momentum 0.9 and epsilon 1e-5, which are PyTorch's 0.1 and 1e-5.
    Strided convolutions are padded on both sides, so that they sample the same pixels as the
    shortcut beside them.

    Taps, by layer name: `stem` (with the large stem before its normalisation), `group1`, `group2`,
    `group3` and with the large stem `group4` (raw residual sums), `pooled`.

    Args:
        image_shape: (height, width, channels) in pixels.
        num_classes: Number of classes.
        depth: 6n + 4: 10, 16, 22, 28, 34, 40, ...; with the large stem 10, 18 or 34.
        width: Factor on the channels, 1 or more.
        dropout: Probability in [0, 1) between a block's convolutions.
        stem: "small" or "large".
        groups: How many of the groups there are, the last ones left out; 0: all. Two of three is
            the light network of rocket launching that shares the bottom of its booster.
        mean: Per channel, in pixel units from 0 to 255, subtracted from the image. Together
            with `standard_deviation` it makes the network take images from 0 to 255; without
            the two it takes standardised images.
        standard_deviation: Per channel, in the same units.
        seed: Makes initialisation and dropout repeatable.
        name: Name of the model; `wide_resnet-depth-width` by default.

    Returns:
        A functional `keras.Model` from `image`, shape (batch, height, width, channels), to
        float32 logits, shape (batch, classes).

    Raises:
        ValueError: If there is no such depth or stem, or another argument is out of range.

    Example:
        >>> import math
        >>> network = wide_resnet((32, 32, 3), 100, depth=10, width=4)
        >>> sum(math.prod(variable.shape) for variable in network.trainable_variables)
        1221940

    Reference:
        Zagoruyko, Komodakis, "Wide Residual Networks", 2016; as used by Xu, Hsu, Huang,
        "Training Shallow and Thin Networks for Acceleration via Knowledge Distillation with
        Conditional Adversarial Networks", 2017, section 4.1.
    """
    layers.check_sizes(num_classes, width=width)
    blocks = _choose_groups(sizes.wide_resnet_blocks(depth, stem), groups)
    seeds = layers.Seeds(seed)
    image = keras.Input(image_shape, name="image")
    x = layers.standardize(image, mean, standard_deviation)
    x, filters = _make_stem(x, stem, seeds=seeds)
    for group, repeats in enumerate(blocks):
        for block in range(repeats):
            stride = 2 if group > 0 and block == 0 else 1
            last = block == repeats - 1
            label = f"group{group + 1}_block{block + 1}"
            x = _block(
                x,
                filters=filters * 2**group * width,
                stride=stride,
                dropout=dropout,
                seeds=seeds,
                label=label,
                name=f"group{group + 1}" if last else f"{label}_sum",
            )
    x = layers.batch_normalization(name="head_normalization")(x)
    x = keras.layers.ReLU(name="head_relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    logits = layers.linear(num_classes, x.shape[-1], seeds=seeds, name="logits")(x)
    return keras.Model(image, logits, name=name or f"wide_resnet-{depth}-{width}")


def _choose_groups(blocks, groups):
    if not 0 <= groups <= len(blocks):
        raise ValueError(
            f"Invalid value for groups. Expected 0, for all, or 1 to {len(blocks)}. "
            f"Received: {groups}."
        )
    return blocks[: groups or len(blocks)]


def _make_stem(x, stem, *, seeds):
    """The tensor for the first group, and the channels from which the groups' follow."""
    if stem == "small":  # A block begins with a normalisation of its own.
        filters = _STEM_FILTERS[stem]
        return layers.convolution(filters, 3, seeds=seeds, name="stem")(x), filters
    filters = _STEM_FILTERS.get(stem)
    return layers.make_stem(x, filters, kind=stem, seeds=seeds), filters


def _block(x, *, filters, stride, dropout, seeds, label, name):
    activated = layers.batch_normalization(name=f"{label}_normalization1")(x)
    activated = keras.layers.ReLU(name=f"{label}_relu1")(activated)
    branch = layers.convolution(
        filters, 3, stride=stride, seeds=seeds, name=f"{label}_convolution1"
    )(activated)
    branch = layers.batch_normalization(name=f"{label}_normalization2")(branch)
    branch = keras.layers.ReLU(name=f"{label}_relu2")(branch)
    if dropout:
        branch = keras.layers.Dropout(dropout, seed=seeds(), name=f"{label}_dropout")(branch)
    branch = layers.convolution(filters, 3, seeds=seeds, name=f"{label}_convolution2")(branch)
    if stride > 1 or x.shape[-1] != filters:
        x = layers.convolution(filters, 1, stride=stride, seeds=seeds, name=f"{label}_shortcut")(
            activated
        )
    return keras.layers.Add(name=name)([x, branch])
