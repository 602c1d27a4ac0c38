"""ResNeXt: residual blocks of many narrow paths side by side."""

import keras

from kd_keras import sizes
from kd_keras.models import layers

__all__ = ["res_next"]

_STEM_FILTERS = 64
_FIRST_OUTPUT_FILTERS = 256


def res_next(
    image_shape,
    num_classes,
    *,
    depth=29,
    width=64,
    cardinality=8,
    stem="small",
    mean=None,
    standard_deviation=None,
    seed=None,
    name=None,
):
    """An aggregated residual network, ResNeXt-depth (cardinality x width d).

    A block is conv1x1-BN-ReLU, a 3x3 convolution in `cardinality` groups of channels, BN-ReLU,
    conv1x1-BN, the input added, and a ReLU. In the first group of blocks it has `cardinality`
    times `width` channels inside and 256 outside; every further group doubles both and halves the
    image. Between unlike shapes the shortcut is a 1x1 convolution and batch normalisation.

    With the small stem, a 3x3 convolution of 64 filters, there are three groups of (depth - 2) / 9
    blocks; with the large one, 7x7 of stride 2 and 3x3 max pooling, four groups. Each channel
    group of the 3x3 convolution is a layer of its own, because TensorFlow trains no convolution in
    groups on a CPU.

    Taps, by layer name: `stem` (before its normalisation), `group1`, `group2`, `group3` and with
    the large stem `group4` (sums before the ReLU), `pooled`.

    Args:
        image_shape: (height, width, channels) in pixels.
        num_classes: Number of classes.
        depth: 9n + 2: 11, 20, 29, ...; with the large stem 26, 50 or 101.
        width: Channels of one of the paths in the first group, the d of "8x64d".
        cardinality: Paths, 1 or more.
        stem: "small" or "large".
        mean: Per channel, in pixel units from 0 to 255, subtracted from the image; as of
            `wide_resnet`.
        standard_deviation: Per channel, in the same units.
        seed: Makes initialisation repeatable.
        name: Name of the model; `res_next-depth-cardinalityxwidth` by default.

    Returns:
        A functional `keras.Model` from `image`, shape (batch, height, width, channels), to
        float32 logits, shape (batch, classes).

    Raises:
        ValueError: If there is no such depth or stem, or a size is out of range.

    Example:
        >>> res_next((8, 8, 3), 10, depth=11, width=4, cardinality=2).name
        'res_next-11-2x4'

    Reference:
        Xie, Girshick, Dollar, Tu, He, "Aggregated Residual Transformations for Deep Neural
        Networks", 2017, table 1 and section 5.3.
    """
    layers.check_sizes(num_classes, width=width, cardinality=cardinality)
    blocks = sizes.res_next_blocks(depth, stem)
    seeds = layers.Seeds(seed)
    image = keras.Input(image_shape, name="image")
    x = layers.standardize(image, mean, standard_deviation)
    x = layers.make_stem(x, _STEM_FILTERS, kind=stem, seeds=seeds)
    for group, repeats in enumerate(blocks):
        for block in range(repeats):
            label = f"group{group + 1}_block{block + 1}"
            x = _block(
                x,
                path_filters=width * 2**group,
                cardinality=cardinality,
                filters=_FIRST_OUTPUT_FILTERS * 2**group,
                stride=2 if group > 0 and block == 0 else 1,
                seeds=seeds,
                label=label,
                name=f"group{group + 1}" if block == repeats - 1 else f"{label}_sum",
            )
    logits = layers.classify(x, num_classes, seeds=seeds)
    return keras.Model(image, logits, name=name or f"res_next-{depth}-{cardinality}x{width}")


def _block(x, *, path_filters, cardinality, filters, stride, seeds, label, name):
    names = [f"{label}_convolution{number}" for number in (1, 2, 3)]
    branch = layers.convolution(path_filters * cardinality, 1, seeds=seeds, name=names[0])(x)
    branch = layers.normalize_and_rectify(branch, names[0])
    branch = _convolve_paths(branch, cardinality, stride=stride, seeds=seeds, name=names[1])
    branch = layers.normalize_and_rectify(branch, names[1])
    branch = layers.convolution(filters, 1, seeds=seeds, name=names[2])(branch)
    branch = layers.batch_normalization(name=f"{names[2]}_normalization")(branch)
    if stride > 1 or x.shape[-1] != filters:
        shortcut = f"{label}_shortcut"
        x = layers.convolution(filters, 1, stride=stride, seeds=seeds, name=shortcut)(x)
        x = layers.batch_normalization(name=f"{shortcut}_normalization")(x)
    x = keras.layers.Add(name=name)([x, branch])
    return keras.layers.ReLU(name=f"{label}_relu")(x)


def _convolve_paths(x, cardinality, *, stride, seeds, name):
    if cardinality == 1:
        return layers.convolution(x.shape[-1], 3, stride=stride, seeds=seeds, name=name)(x)
    paths = [
        layers.convolution(
            path.shape[-1], 3, stride=stride, seeds=seeds, name=f"{name}_path{number}"
        )(path)
        for number, path in enumerate(keras.ops.split(x, cardinality, axis=-1), start=1)
    ]
    return keras.layers.Concatenate(name=name)(paths)
