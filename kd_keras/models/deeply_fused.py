"""Deeply-fused nets: a deep and a shallow network, added up again and again on their way."""

import keras

from kd_keras import sizes
from kd_keras.models import layers

__all__ = ["deeply_fused"]

_BASE_FILTERS = 16


def deeply_fused(
    image_shape,
    num_classes,
    *,
    depth=20,
    width=1,
    fusions=1,
    shallow=1,
    stem="small",
    mean=None,
    standard_deviation=None,
    seed=None,
    name=None,
):
    """Two plain base networks, fused by summation at several depths.

    x_b = ReLU(deep_b(x_(b-1)) + shallow_b(x_(b-1))) for the blocks b = 1, 2, ...: what was fused is
    the input of the remaining part of both. A block is a chain of 3x3 convolutions with batch
    normalisation and, between them, ReLU.

    Between a stem of 16 filters and the global average with one linear layer there are three
    groups with 16, 32 and 64 times `width` filters, of which the second and third halve the image,
    with `fusions` blocks each. The deep base network is `plain_cnn` of this depth; the shallow one
    has `shallow` convolutions in a block, `3 * fusions * shallow + 2` layers.

    The publication's principle, with this project's groups: its own numbers of layers and
    channels, and whether it adds up before the ReLU, were not seen.

    Taps, by layer name: `stem` (before its normalisation), `group1`, `group2`, `group3` (sums
    before the ReLU), `pooled`.

    Args:
        image_shape: (height, width, channels) in pixels.
        num_classes: Number of classes.
        depth: Layers of the deep base network, 3n + 2: 5, 8, 11, 14, 17, 20, ...
        width: Factor on the channels of the groups, 1 or more.
        fusions: Fusions in each group; they divide the n convolutions of the deep network.
        shallow: Convolutions of the shallow network between two fusions, 1 or more.
        stem: "small", a 3x3 convolution, or "large", 7x7 of stride 2 and 3x3 max pooling.
        mean: Per channel, in pixel units from 0 to 255, subtracted from the image; as of
            `wide_resnet`.
        standard_deviation: Per channel, in the same units.
        seed: Makes initialisation repeatable.
        name: Name of the model; `deeply_fused-depth-width` by default.

    Returns:
        A functional `keras.Model` from `image`, shape (batch, height, width, channels), to
        float32 logits, shape (batch, classes).

    Raises:
        ValueError: If there is no such depth or stem, or a size is out of range.

    Example:
        >>> [layer.name for layer in deeply_fused((8, 8, 3), 10, depth=5).layers][-2:]
        ['pooled', 'logits']

    Reference:
        Wang, Wei, Zhang, Zeng, "Deeply-Fused Nets", 2016.
    """
    layers.check_sizes(num_classes, width=width, fusions=fusions, shallow=shallow)
    convolutions = sizes.plain_cnn_convolutions(depth)
    if convolutions % fusions:
        raise ValueError(
            f"Invalid value for fusions. Expected a divisor of {convolutions}, the convolutions of "
            f"a group at depth {depth}. Received: {fusions}."
        )
    lengths = {"deep": convolutions // fusions, "shallow": shallow}
    seeds = layers.Seeds(seed)
    image = keras.Input(image_shape, name="image")
    x = layers.standardize(image, mean, standard_deviation)
    x = layers.make_stem(x, _BASE_FILTERS, kind=stem, seeds=seeds)
    for group in (1, 2, 3):
        for fusion in range(1, fusions + 1):
            label = f"group{group}_fusion{fusion}"
            blocks = [
                _block(
                    x,
                    length,
                    filters=_BASE_FILTERS * 2 ** (group - 1) * width,
                    stride=2 if group > 1 and fusion == 1 else 1,
                    seeds=seeds,
                    label=f"{label}_{base}",
                )
                for base, length in lengths.items()
            ]
            tap = f"group{group}" if fusion == fusions else f"{label}_sum"
            x = keras.layers.Add(name=tap)(blocks)
            x = keras.layers.ReLU(name=f"{label}_relu")(x)
    logits = layers.classify(x, num_classes, seeds=seeds)
    return keras.Model(image, logits, name=name or f"deeply_fused-{depth}-{width}")


def _block(x, length, *, filters, stride, seeds, label):
    """The part of a base network between two fusions."""
    for number in range(1, length + 1):
        name = f"{label}_convolution{number}"
        x = layers.convolution(
            filters, 3, stride=stride if number == 1 else 1, seeds=seeds, name=name
        )(x)
        x = layers.batch_normalization(name=f"{name}_normalization")(x)
        if number < length:
            x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return x
