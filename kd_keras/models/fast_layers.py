"""Stand-ins for layers of Keras: the same variables and results, in fewer and faster operations.

A stand-in holds the layer itself and owns nothing. It is never saved. Where in a network it takes
the place of its layer is decided in `acceleration`.
"""

import keras
import tensorflow as tf

from kd_keras import processor
from kd_keras.models import pointwise, side_by_side
from kd_keras.models.random_bytes import random_bytes

__all__ = ["ConvolutionStandIn", "DropoutStandIn", "NormalizationStandIn", "StandIn"]


class StandIn(keras.layers.Layer):
    """What the stand-ins have in common: the layer they stand in for.

    Args:
        layer: The layer, built.
    """

    def __init__(self, layer):
        super().__init__(dtype=layer.dtype_policy, name=layer.name)
        self.layer = layer
        self.supports_masking = layer.supports_masking
        self.built = True

    def compute_output_shape(self, input_shape):
        """That of the layer."""
        return self.layer.compute_output_shape(input_shape)


class NormalizationStandIn(StandIn):
    """`keras.layers.BatchNormalization` over the last axis, in one operation of TensorFlow.

    Statistics, scale and offset are float32, as in Keras; what is computed in between stays in
    registers, where Keras writes a float32 copy of the image after every step of the formula.
    """

    @staticmethod
    def can_replace(layer):
        """Whether a layer computes what the operation can."""
        specification = layer.input_spec
        return (
            type(layer) is keras.layers.BatchNormalization
            and layer.built
            and not layer.synchronized
            and not layer.renorm
            and layer.activity_regularizer is None
            and layer.compute_dtype in ("float32", "bfloat16", "float16")
            and layer.variable_dtype == "float32"
            and specification.ndim in (2, 4)
            and layer.axis in (-1, specification.ndim - 1)
        )

    def call(self, inputs, training=None, mask=None):
        """The normalised inputs; in training the moving statistics move on."""
        if mask is not None:
            return self.layer.call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        image = inputs if inputs.shape.rank == 4 else tf.reshape(inputs, [-1, 1, 1, channels])
        # Keras: a layer that is frozen is in inference.
        use_batch = bool(training and self.layer.trainable)
        outputs = self._normalize(image, channels, use_batch)
        return tf.reshape(outputs, tf.shape(inputs)) if inputs.shape.rank == 2 else outputs

    def _normalize(self, image, channels, use_batch):
        layer = self.layer
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=image,
            scale=layer.gamma.value if layer.scale else tf.ones([channels]),
            offset=layer.beta.value if layer.center else tf.zeros([channels]),
            mean=tf.zeros([0]) if use_batch else layer.moving_mean.value,
            variance=tf.zeros([0]) if use_batch else layer.moving_variance.value,
            epsilon=layer.epsilon,
            is_training=use_batch,
        )
        if use_batch:
            # The operation divides by count - 1, as PyTorch does for its moving variance; Keras
            # divides by the count.
            count = tf.cast(tf.size(image) // channels, tf.float32)
            self._move(layer.moving_mean, mean)
            self._move(layer.moving_variance, variance * (tf.maximum(count - 1.0, 1.0) / count))
        return outputs

    def _move(self, statistic, value):
        momentum = self.layer.momentum
        statistic.assign(statistic.value * momentum + value * (1.0 - momentum))


class ConvolutionStandIn(StandIn):
    """`keras.layers.Conv2D` on a processor with AMX, with faster gradients."""

    @staticmethod
    def can_replace(layer):
        """Whether there may be something to gain, which also depends on the image's size."""
        return (
            type(layer) is keras.layers.Conv2D
            and layer.compute_dtype == "bfloat16"
            and layer.data_format == "channels_last"
            and layer.padding in ("same", "valid")
            and layer.strides[0] == layer.strides[1]
            and layer.dilation_rate == (1, 1)
            and layer.activity_regularizer is None
            and layer.quantization_mode is None
            and "amx_bf16" in processor.capabilities()
            and not tf.config.list_physical_devices("GPU")
        )

    def call(self, inputs):
        """The convolution, with bias and activation."""
        layer = self.layer
        kernel = tf.cast(tf.convert_to_tensor(layer.kernel), inputs.dtype)
        form = {"stride": layer.strides[0], "padding": layer.padding}
        ways = (way for way in (side_by_side, pointwise) if way.gains(inputs, kernel, **form))
        way = next(ways, None)
        if way is None:
            return layer.call(inputs)
        outputs = way.convolve(inputs, kernel, **form)
        if layer.use_bias:
            bias = tf.cast(tf.convert_to_tensor(layer.bias), inputs.dtype)
            outputs = tf.nn.bias_add(outputs, bias)
        return outputs if layer.activation is None else layer.activation(outputs)


class DropoutStandIn(StandIn):
    """`keras.layers.Dropout` of images, with or without the ReLU before it.

    y = x / kept where a random byte is at least 256 * rate, rounded; 0 elsewhere;
    kept = the share of the byte's values that do not drop, so that the mean of y is x exactly.

    Which pixels fall is another draw than Keras's, from the same seed and count of calls, which
    are the state that a checkpoint holds. The rate is a multiple of 1/256; that of Keras is one
    of 1/128 under mixed_bfloat16, where its mean is off by up to 0.6% as well.

    Args:
        layer: The dropout.
        after_relu: Whether it is given what its ReLU is given, and applies both. The gradient
            of the two together is one pass: where y > 0, the gradient of y, scaled.
    """

    def __init__(self, layer, *, after_relu=False):
        super().__init__(layer)
        self._after_relu = after_relu
        self._threshold = round(256 * layer.rate)
        self._scale = 256 / (256 - self._threshold)

    @staticmethod
    def can_replace(layer):
        """Whether a layer drops single pixels, at a rate that bytes can express."""
        return (
            type(layer) is keras.layers.Dropout
            and layer.noise_shape is None
            and layer.activity_regularizer is None
            and 0 < round(256 * layer.rate) < 256
        )

    def call(self, inputs, training=None):
        """The inputs with some of them dropped, in training."""
        if not training:
            return tf.nn.relu(inputs) if self._after_relu else inputs
        state = self.layer.seed_generator.next()
        key = tf.cast(tf.math.floormod(state, tf.int32.max - 1), tf.int32)
        bits = random_bytes(key, inputs)
        drop = _drop_after_relu if self._after_relu else _drop
        return drop(inputs, bits, self._threshold, self._scale)


def _drop(inputs, bits, threshold, scale):
    @tf.custom_gradient
    def apply(inputs):
        outputs = _drop_forward(inputs, bits, threshold, scale)
        return outputs, lambda upstream: _drop_forward(upstream, bits, threshold, scale)

    return apply(inputs)


def _drop_after_relu(inputs, bits, threshold, scale):
    @tf.custom_gradient
    def apply(inputs):
        outputs = _drop_after_relu_forward(inputs, bits, threshold, scale)
        return outputs, lambda upstream: _drop_after_relu_backward(upstream, outputs, scale)

    return apply(inputs)


# Each is one pass over the image when XLA compiles it, and four or five operations otherwise.
@tf.function(jit_compile=True)
def _drop_forward(values, bits, threshold, scale):
    return _scale_where(bits >= threshold, values, scale)


@tf.function(jit_compile=True)
def _drop_after_relu_forward(values, bits, threshold, scale):
    return _scale_where((bits >= threshold) & (values > 0), values, scale)


@tf.function(jit_compile=True)
def _drop_after_relu_backward(upstream, outputs, scale):
    return _scale_where(outputs > 0, upstream, scale)


def _scale_where(condition, values, scale):
    scaled = tf.cast(tf.cast(values, tf.float32) * scale, values.dtype)
    return tf.where(condition, scaled, tf.zeros([], values.dtype))
