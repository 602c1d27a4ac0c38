"""VGG with batch normalisation and one linear layer."""

import keras

from kd_keras import registry, sizes
from kd_keras.models import layers

__all__ = ["vgg"]

_BASE_FILTERS = 16
_LARGEST_FACTOR = 8
_HALVINGS = {"small": 3, "large": 5}


def vgg(
    image_shape,
    num_classes,
    *,
    depth=16,
    width=4,
    stem="small",
    mean=None,
    standard_deviation=None,
    seed=None,
    name=None,
):
    """Five groups of 3x3 convolutions with max pooling between them, VGG-depth.

    The groups have 16, 32, 64, 128 and 128 times `width` filters: width 4 is as published. Each
    convolution is followed by batch normalisation, in the place of its bias, and ReLU. For small
    images the first three groups are followed by 2x2 max pooling, for large ones all five. Global
    average and one linear layer take the place of the published three, which hold nine tenths of
    that network's weights; `applications/VGG16` has them.

    Taps, by layer name: `stem` (the first convolution), `group1` to `group5` (the group's last
    batch normalisation, before ReLU and pooling), `pooled`.

    Args:
        image_shape: (height, width, channels) in pixels.
        num_classes: Number of classes.
        depth: 8, 11, 13, 16 or 19; 8 has one convolution in each group.
        width: Quarters of the published channels, 1 or more.
        stem: "small": three halvings of the image; "large": five.
        mean: Per channel, in pixel units from 0 to 255, subtracted from the image; as of
            `wide_resnet`.
        standard_deviation: Per channel, in the same units.
        seed: Makes initialisation repeatable.
        name: Name of the model; `vgg-depth-width` by default.

    Returns:
        A functional `keras.Model` from `image`, shape (batch, height, width, channels), to
        float32 logits, shape (batch, classes).

    Raises:
        ValueError: If there is no such depth or stem, or a size is out of range.

    Example:
        >>> vgg((32, 32, 3), 10, depth=8, width=1).get_layer("group5").output.shape
        (None, 4, 4, 128)

    Reference:
        Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
        2015, section 2.1; depth 8 and the small form from Tian, Krishnan, Isola, "Contrastive
        Representation Distillation", 2020, its code.
    """
    layers.check_sizes(num_classes, width=width)
    if stem not in _HALVINGS:
        raise registry.unknown_name("stem", _HALVINGS, stem)
    seeds = layers.Seeds(seed)
    image = keras.Input(image_shape, name="image")
    x = layers.standardize(image, mean, standard_deviation)
    for group, convolutions in enumerate(sizes.vgg_convolutions(depth), start=1):
        filters = _BASE_FILTERS * min(2 ** (group - 1), _LARGEST_FACTOR) * width
        for number in range(1, convolutions + 1):
            label = f"group{group}_convolution{number}"
            convolution = "stem" if (group, number) == (1, 1) else label
            x = layers.convolution(filters, 3, seeds=seeds, name=convolution)(x)
            tap = f"group{group}" if number == convolutions else f"{label}_normalization"
            x = layers.batch_normalization(name=tap)(x)
            x = keras.layers.ReLU(name=f"{label}_relu")(x)
        if group <= _HALVINGS[stem]:
            x = keras.layers.MaxPooling2D(2, padding="same", name=f"group{group}_pooling")(x)
    logits = layers.classify(x, num_classes, seeds=seeds)
    return keras.Model(image, logits, name=name or f"vgg-{depth}-{width}")
