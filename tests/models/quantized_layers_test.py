import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.models import quantized_layers


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(0.0, 1.0, shape).astype(np.float32)


def rounded(kernel, axes=(0, 1, 2)):
    """s round(W / s), s = max |W| / 127 per output channel."""
    scale = np.abs(kernel).max(axis=axes, keepdims=True) / 127
    return scale * np.rint(kernel / scale)


def rounded_activations(x, low, high):
    """On 256 numbers from low to high, moved so that 0 is one of them."""
    scale = (high - low) / 255
    zero = np.rint(-low / scale)
    return scale * (np.clip(np.rint(x / scale) + zero, 0, 255) - zero)


def test_a_kernel_is_rounded_per_output_channel():
    kernel = draw(3, 3, 4, 5) * [1.0, 10.0, 0.1, 3.0, 1.0]
    received = quantized_layers.round_kernel(tf.constant(kernel, tf.float32)).numpy()
    scale = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    # A number next to the middle of two may go either way.
    assert np.abs(received - rounded(kernel)).max(axis=(0, 1, 2)) == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(received / scale, np.rint(received / scale), atol=1e-3)


def test_a_rounded_kernel_stays_as_it_is():
    once = quantized_layers.round_kernel(tf.constant(draw(3, 3, 4, 5)))
    np.testing.assert_allclose(quantized_layers.round_kernel(once), once, atol=1e-6)


def test_a_filter_of_zeros_stays_zero():
    kernel = tf.constant([[1.0, 0.0], [0.5, 0.0]])
    np.testing.assert_array_equal(quantized_layers.round_kernel(kernel)[:, 1], [0.0, 0.0])


def test_the_gradient_passes_through_the_rounding_of_kernels():
    kernel, upstream = tf.Variable(draw(3, 3, 2, 4)), draw(3, 3, 2, 4, seed=1)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(quantized_layers.round_kernel(kernel) * upstream)
    np.testing.assert_array_equal(tape.gradient(total, kernel), upstream)


def test_layers_multiply_by_their_rounded_kernel():
    x = draw(2, 1, 1, 3)
    convolution = quantized_layers.QuantizedConv2D(4, 1, bias_initializer="ones")
    outputs = convolution(x)
    expected = x @ rounded(convolution.kernel.numpy())[0, 0] + 1
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    dense = quantized_layers.QuantizedDense(4, bias_initializer="ones", activation="relu")
    outputs = dense(x[:, 0, 0])
    expected = np.maximum(x[:, 0, 0] @ rounded(dense.kernel.numpy(), axes=(0,)) + 1, 0)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_a_depthwise_kernel_is_rounded_per_channel_and_multiplier():
    layer = quantized_layers.QuantizedDepthwiseConv2D(1, depth_multiplier=2, use_bias=True)
    x = draw(2, 1, 1, 3)
    outputs = layer(x)
    # One weight for each output channel is on its grid already.
    expected = (x[..., np.newaxis] * layer.kernel.numpy()[0, 0]).reshape(2, 1, 1, 6)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    kernel = draw(3, 3, 3, 2)
    np.testing.assert_allclose(
        layer.transform(tf.constant(kernel)), rounded(kernel, axes=(0, 1)), atol=1e-5
    )


def test_activations_are_rounded_to_a_grid_with_a_zero():
    layer = quantized_layers.ActivationRange((-1.03, 2.0))
    x = np.linspace(-2, 3, 101, dtype=np.float32)
    received = layer(x).numpy()
    np.testing.assert_allclose(received, rounded_activations(x, -1.03, 2.0), atol=1e-5)
    assert 0.0 in received
    assert len(np.unique(layer(np.linspace(-5, 5, 9999, dtype=np.float32)))) == 256


def test_a_range_starts_at_the_first_batch_and_follows_slowly():
    layer = quantized_layers.ActivationRange(momentum=0.75)
    layer(np.float32([-1.0, 3.0]), training=True)
    assert (layer.low.numpy(), layer.high.numpy()) == (-1.0, 3.0)
    layer(np.float32([0.5, 7.0]), training=True)
    # 0 is always within.
    assert (layer.low.numpy(), layer.high.numpy()) == (-0.75, 4.0)


@pytest.mark.parametrize("limits", [None, (0.0, 1.0)])
def test_a_range_stands_still_at_inference_and_where_it_is_given(limits):
    layer = quantized_layers.ActivationRange(limits)
    layer(np.float32([0.0, 1.0]), training=True)
    layer(np.float32([-5.0, 9.0]), training=limits is not None)
    assert (layer.low.numpy(), layer.high.numpy()) == (0.0, 1.0)
    assert layer.trainable_variables == []


def test_the_gradient_of_activations_passes_within_the_range_alone():
    x = tf.constant([-2.0, 0.5, 2.0])
    layer = quantized_layers.ActivationRange((-1.0, 1.0))
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(layer(x))
    np.testing.assert_array_equal(tape.gradient(total, x), [0.0, 1.0, 0.0])


def test_a_range_is_made_from_its_configuration():
    layer = quantized_layers.ActivationRange((-1, 1), momentum=0.5, name="range")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (again.limits, again.momentum, again.name) == ((-1.0, 1.0), 0.5, "range")
