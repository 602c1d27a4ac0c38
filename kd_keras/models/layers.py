"""Pieces that the networks share, with PyTorch's initialisation and normalisation.

Only layers of Keras are used, so that a saved network loads without this project.
"""

import keras

from kd_keras import registry

__all__ = [
    "Seeds",
    "batch_normalization",
    "check_sizes",
    "classify",
    "convolution",
    "depthwise_convolution",
    "halve_by_largest",
    "linear",
    "make_stem",
    "normalize_and_rectify",
    "standardize",
]

STEMS = ("large", "small")


class Seeds:
    """A new seed at every call, the same series for the same start.

    A layer needs a seed of its own: two layers with one seed start with equal weights.

    Args:
        start: The first seed, or None for seeds that are None, which leaves the choice to
            Keras's global seed.

    Example:
        >>> seeds = Seeds(7)
        >>> seeds(), seeds()
        (7000, 7001)
    """

    def __init__(self, start):
        self._next = None if start is None else 1000 * start

    def __call__(self):
        """The next seed, or None."""
        if self._next is None:
            return None
        self._next += 1
        return self._next - 1


def standardize(image, mean, standard_deviation):
    """Subtract the mean and divide by the deviation, per channel, in float32.

    The layer is called `standardization`, so that an export can leave it out.

    Args:
        image: Shape (batch, height, width, channels), pixels from 0 to 255.
        mean: One number per channel, or None for an image that is standardised already.
        standard_deviation: One number above 0 per channel, or None.

    Returns:
        The standardised image, or the image itself where both are None.

    Raises:
        ValueError: If one of the two is missing or a deviation is not above 0.
    """
    if mean is None and standard_deviation is None:
        return image
    if mean is None or standard_deviation is None:
        raise ValueError("Expected mean and standard_deviation together. Received: one of them.")
    if min(standard_deviation) <= 0:
        raise ValueError(
            "Invalid value for standard_deviation. Expected numbers above 0. "
            f"Received: {standard_deviation}."
        )
    return keras.layers.Normalization(
        mean=list(mean),
        variance=[float(deviation) ** 2 for deviation in standard_deviation],
        dtype="float32",
        name="standardization",
    )(image)


def convolution(filters, kernel_size, *, stride=1, seeds, name):
    """A convolution without bias, He-initialised by its fan-out.

    A strided kernel larger than one pixel is padded equally on all sides. Keras's own "same"
    pads an even image at the bottom and right only, which shifts it by a pixel against a strided
    1x1 convolution of the same image, and against PyTorch's.

    Args:
        filters: Output channels.
        kernel_size: Side of the kernel in pixels, odd.
        stride: Step in pixels.
        seeds: A `Seeds`.
        name: Name of the layer.

    Returns:
        A function from a tensor to a tensor.
    """
    centred = stride > 1 and kernel_size > 1
    layer = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="valid" if centred else "same",
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0, "fan_out", "untruncated_normal", seed=seeds()
        ),
        name=name,
    )
    if not centred:
        return layer
    pad = keras.layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_padding")
    return lambda x: layer(pad(x))


def batch_normalization(name):
    """Batch normalisation with PyTorch's momentum (0.1 there is 0.9 here) and epsilon."""
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)


def depthwise_convolution(*, stride=1, seeds, name):
    """A 3x3 convolution of each channel by itself, padded and drawn as `convolution`.

    Args:
        stride: Step in pixels.
        seeds: A `Seeds`.
        name: Name of the layer.

    Returns:
        A function from a tensor to a tensor.
    """
    layer = keras.layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="valid" if stride > 1 else "same",
        use_bias=False,
        depthwise_initializer=keras.initializers.VarianceScaling(
            2.0, "fan_out", "untruncated_normal", seed=seeds()
        ),
        name=name,
    )
    if stride == 1:
        return layer
    pad = keras.layers.ZeroPadding2D(1, name=f"{name}_padding")
    return lambda x: layer(pad(x))


def normalize_and_rectify(x, label):
    """Batch normalisation and ReLU, named after what they follow."""
    x = batch_normalization(name=f"{label}_normalization")(x)
    return keras.layers.ReLU(name=f"{label}_relu")(x)


def halve_by_largest(x, name):
    """The largest of 3x3 pixels, every second one, of an image that is nowhere below 0."""
    x = keras.layers.ZeroPadding2D(1, name=f"{name}_padding")(x)
    return keras.layers.MaxPooling2D(3, strides=2, name=name)(x)


def make_stem(x, filters, *, kind, seeds):
    """The first layers of a residual or plain network, for small or for large images.

    small: a 3x3 convolution called `stem`. large: a 7x7 convolution of stride 2 called `stem`, and
    a quarter of its pixels by `halve_by_largest`, as for images of 224 pixels. Each is normalised
    and rectified.

    Args:
        x: The standardised image.
        filters: Channels.
        kind: "small" or "large".
        seeds: A `Seeds`.

    Returns:
        The tensor for the first group.

    Raises:
        ValueError: If there is no such stem.
    """
    if kind not in STEMS:
        raise registry.unknown_name("stem", STEMS, kind)
    size, stride = (7, 2) if kind == "large" else (3, 1)
    x = convolution(filters, size, stride=stride, seeds=seeds, name="stem")(x)
    x = normalize_and_rectify(x, "stem")
    return halve_by_largest(x, "stem_pooling") if kind == "large" else x


def classify(x, num_classes, *, seeds):
    """The mean of all pixels, called `pooled`, and a linear layer, called `logits`."""
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    return linear(num_classes, x.shape[-1], seeds=seeds, name="logits")(x)


def check_sizes(num_classes, **sizes):
    """Refuse fewer than two classes, and sizes below 1.

    Raises:
        ValueError: If a number is too small.

    Example:
        >>> check_sizes(10, width=0)
        Traceback (most recent call last):
        ValueError: Invalid value for width. Expected 1 or more. Received: 0.
    """
    for name, value, lowest in [("num_classes", num_classes, 2), *((*s, 1) for s in sizes.items())]:
        if value < lowest:
            raise ValueError(
                f"Invalid value for {name}. Expected {lowest} or more. Received: {value}."
            )


def linear(units, inputs, *, seeds, name):
    """The last linear layer, in float32: weights uniform in +-1/sqrt(inputs), bias 0.

    Args:
        units: Outputs.
        inputs: Inputs, for the range of the weights.
        seeds: A `Seeds`.
        name: Name of the layer.
    """
    bound = inputs**-0.5
    return keras.layers.Dense(
        units,
        kernel_initializer=keras.initializers.RandomUniform(-bound, bound, seed=seeds()),
        dtype="float32",
        name=name,
    )
