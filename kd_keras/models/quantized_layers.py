"""Layers that round as 8-bit whole numbers do, while a network is trained.

The rounding is that of TensorFlow Lite's full int8 files: kernels symmetric with a scale per
output channel, activations with a scale and a zero per tensor. Where in a network they stand is
decided in `fake_quantization`.
"""

import keras
import tensorflow as tf

from kd_keras.models import kernel_transforms

__all__ = [
    "ActivationRange",
    "QuantizedConv2D",
    "QuantizedDense",
    "QuantizedDepthwiseConv2D",
    "round_kernel",
]


def round_kernel(kernel):
    """A kernel on the grid of int8, with a straight-through gradient.

    rounded = s round(W / s), s = max |W| / 127 per output channel, the last axis. To the gradient
    it is the kernel itself.

    Args:
        kernel: float32, shape (..., channels).

    Returns:
        The rounded kernel, of the same shape.

    Example:
        >>> round_kernel(tf.constant([[127.0], [50.4]])).numpy().tolist()
        [[127.0], [50.0]]

    Reference:
        Jacob et al., "Quantization and Training of Neural Networks for Efficient
        Integer-Arithmetic-Only Inference", 2018, section 3; per channel: Krishnamoorthi,
        "Quantizing deep convolutional networks for efficient inference", 2018.
    """
    axes = list(range(len(kernel.shape) - 1))
    limit = tf.maximum(tf.reduce_max(tf.abs(kernel), axes), keras.backend.epsilon())
    rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        kernel, -limit, limit, num_bits=8, narrow_range=True
    )
    return kernel + tf.stop_gradient(rounded - kernel)


@keras.saving.register_keras_serializable(package="kd_keras")
class QuantizedConv2D(kernel_transforms.TransformedConv2D):
    """`keras.layers.Conv2D` that multiplies by its rounded kernel."""

    def transform(self, kernel):
        """The kernel on the grid of int8."""
        return round_kernel(kernel)


@keras.saving.register_keras_serializable(package="kd_keras")
class QuantizedDense(kernel_transforms.TransformedDense):
    """`keras.layers.Dense` that multiplies by its rounded kernel."""

    def transform(self, kernel):
        """The kernel on the grid of int8."""
        return round_kernel(kernel)


@keras.saving.register_keras_serializable(package="kd_keras")
class QuantizedDepthwiseConv2D(kernel_transforms.TransformedDepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` that multiplies by its rounded kernel."""

    def transform(self, kernel):
        """The kernel on the grid of int8; its output channels are its last two axes."""
        height, width, channels, multiplier = kernel.shape
        flat = tf.reshape(kernel, [height, width, channels * multiplier])
        return tf.reshape(round_kernel(flat), kernel.shape)


@keras.saving.register_keras_serializable(package="kd_keras")
class ActivationRange(keras.layers.Layer):
    """Rounds a tensor to 256 numbers in a range, which follows the tensor in training.

    y = s round((clip(x, low, high) - low) / s) + low, s = (high - low) / 255, with low and high
    moved a little so that 0 is one of the numbers. The gradient passes where x is within.

    In training, low and high are exponential averages of the smallest and largest number of each
    batch; the first batch sets them.

    Args:
        limits: (low, high) that stay as they are, low <= 0 <= high; None for learnt ones.
        momentum: Of the averages, in [0, 1).
        **arguments: Of `keras.layers.Layer`.

    Example:
        >>> ActivationRange((0.0, 255.0))(tf.constant([-3.0, 7.4, 300.0])).numpy().tolist()
        [0.0, 7.0, 255.0]

    Reference:
        Jacob et al., "Quantization and Training of Neural Networks for Efficient
        Integer-Arithmetic-Only Inference", 2018, section 3.1.
    """

    only_in_training = True

    def __init__(self, limits=None, momentum=0.95, **arguments):
        super().__init__(**{"dtype": "float32", **arguments})
        self.limits = limits and tuple(map(float, limits))
        self.momentum = momentum
        low, high = self.limits or (0.0, 0.0)
        self.low, self.high = self._add_limit("low", low), self._add_limit("high", high)
        self.built = True

    def _add_limit(self, name, value):
        return self.add_weight(
            name=name,
            shape=(),
            initializer=keras.initializers.Constant(value),
            trainable=False,
            aggregation="mean",
        )

    def call(self, inputs, training=None):
        """The rounded tensor; in training the range moves on before."""
        if self.limits:
            # Constants, so that a converter sees them.
            low, high = (tf.constant(limit) for limit in self.limits)
        else:
            if training and self.trainable:
                self._follow(inputs)
            low, high = self.low.value, self.high.value
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high, num_bits=8)

    def _follow(self, inputs):
        is_first = tf.equal(self.low.value, self.high.value)
        momentum = tf.where(is_first, 0.0, self.momentum)
        # 0 has to be one of the numbers: borders are padded with it.
        low, high = (
            tf.minimum(tf.reduce_min(inputs), 0.0),
            tf.maximum(tf.reduce_max(inputs), 0.0),
        )
        self.low.assign(momentum * self.low.value + (1.0 - momentum) * low)
        self.high.assign(momentum * self.high.value + (1.0 - momentum) * high)

    def compute_output_shape(self, input_shape):
        """That of the input."""
        return input_shape

    def get_config(self):
        """The arguments."""
        return {**super().get_config(), "limits": self.limits, "momentum": self.momentum}
