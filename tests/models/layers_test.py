import itertools

import keras
import numpy as np
import pytest

from kd_keras.models import layers

MEAN, DEVIATION = (125.0, 123.0), (63.0, 62.0)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def test_seeds_are_new_at_every_call_and_the_same_for_the_same_start():
    first, again, other = layers.Seeds(3), layers.Seeds(3), layers.Seeds(4)
    series = [first() for _ in range(100)]
    assert len(set(series)) == 100
    assert [again() for _ in range(100)] == series
    assert not set(series) & {other() for _ in range(100)}


def test_seed_zero_is_a_seed():
    seeds = layers.Seeds(0)
    assert (seeds(), seeds()) == (0, 1)


def test_without_a_start_the_choice_is_left_to_keras():
    seeds = layers.Seeds(None)
    assert (seeds(), seeds()) == (None, None)


def test_standardize_takes_mean_and_deviation_of_each_channel():
    image = keras.Input((4, 4, 2))
    model = keras.Model(image, layers.standardize(image, MEAN, DEVIATION))
    pixels = draw(3, 4, 4, 2)
    expected = (pixels - np.array(MEAN)) / np.array(DEVIATION)
    np.testing.assert_allclose(model(pixels), expected, rtol=1e-4, atol=1e-5)
    assert [layer.name for layer in model.layers[1:]] == ["standardization"]


def test_standardize_computes_in_float32_whatever_the_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    image = keras.Input((4, 4, 2), dtype="uint8")
    assert layers.standardize(image, np.float32(MEAN), np.float32(DEVIATION)).dtype == "float32"


def test_standardize_leaves_a_standardised_image_alone():
    image = keras.Input((4, 4, 2))
    assert layers.standardize(image, None, None) is image


@pytest.mark.parametrize(("mean", "deviation"), [(MEAN, None), (None, DEVIATION)])
def test_standardize_needs_both(mean, deviation):
    with pytest.raises(ValueError, match="together") as caught:
        layers.standardize(keras.Input((4, 4, 2)), mean, deviation)
    assert str(caught.value) == (
        "Expected mean and standard_deviation together. Received: one of them."
    )


@pytest.mark.parametrize("deviation", [(63.0, 0.0), (-1.0, 62.0)])
def test_standardize_refuses_a_deviation_that_is_not_above_zero(deviation):
    with pytest.raises(ValueError, match="standard_deviation") as caught:
        layers.standardize(keras.Input((4, 4, 2)), MEAN, deviation)
    assert str(caught.value) == (
        f"Invalid value for standard_deviation. Expected numbers above 0. Received: {deviation}."
    )


def build_convolution(kernel_size, stride, *, side=8, filters=3):
    image = keras.Input((side, side, 2))
    convolve = layers.convolution(
        filters, kernel_size, stride=stride, seeds=layers.Seeds(0), name="convolution"
    )
    return keras.Model(image, convolve(image))


def convolve_centred(images, kernel, stride):
    """Each output is the kernel laid with its middle on every stride-th pixel."""
    margin = kernel.shape[0] // 2
    padded = np.pad(images, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
    rows, columns = range(0, images.shape[1], stride), range(0, images.shape[2], stride)
    outputs = np.zeros([len(images), len(rows), len(columns), kernel.shape[-1]])
    for (i, row), (j, column) in itertools.product(enumerate(rows), enumerate(columns)):
        patch = padded[:, row : row + kernel.shape[0], column : column + kernel.shape[1]]
        outputs[:, i, j] = np.tensordot(patch, kernel, 3)
    return outputs


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize(("kernel_size", "stride"), [(3, 1), (3, 2), (5, 2), (1, 1), (1, 2)])
def test_a_convolution_lies_with_its_middle_on_the_pixels(kernel_size, stride, side):
    model = build_convolution(kernel_size, stride, side=side)
    images = draw(2, side, side, 2) / 255
    expected = convolve_centred(images, model.get_weights()[0].astype(np.float64), stride)
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-5)


def test_keras_own_padding_would_be_a_pixel_off():
    image = keras.Input((8, 8, 2))
    layer = keras.layers.Conv2D(3, 3, strides=2, padding="same", use_bias=False)
    outputs = keras.Model(image, layer(image))(draw(2, 8, 8, 2) / 255)
    expected = convolve_centred(draw(2, 8, 8, 2) / 255, layer.get_weights()[0], 2)
    assert not np.allclose(outputs, expected, atol=1e-2)


def test_a_convolution_has_no_bias():
    assert [w.shape for w in build_convolution(3, 2).get_weights()] == [(3, 3, 2, 3)]


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_kernels_are_drawn_with_the_deviation_of_their_fan_out(kernel_size):
    kernel = build_convolution(kernel_size, 1, filters=40_000).get_weights()[0]
    deviation = np.sqrt(2 / (kernel_size**2 * 40_000))
    assert kernel.std() == pytest.approx(deviation, rel=0.02)
    assert abs(kernel.mean()) < deviation / 50
    # A normal distribution that is not cut off at two deviations.
    assert np.mean(np.abs(kernel) > 2 * deviation) == pytest.approx(0.0455, rel=0.1)


def test_batch_normalization_is_pytorchs():
    layer = layers.batch_normalization("normalization")
    assert (layer.momentum, layer.epsilon, layer.name) == (0.9, 1e-5, "normalization")
    assert layer.center
    assert layer.scale
    batch = draw(64, 3)
    outputs = layer(batch, training=True)
    expected = (batch - batch.mean(0)) / np.sqrt(batch.var(0) + 1e-5)
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * batch.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * batch.var(0), rtol=1e-4)


def test_the_last_layers_weights_are_uniform_in_the_range_of_its_inputs():
    layer = layers.linear(500, 64, seeds=layers.Seeds(0), name="logits")
    layer.build((None, 64))
    kernel, bias = layer.get_weights()
    assert kernel.shape == (64, 500)
    assert np.abs(kernel).max() <= 1 / 8
    assert kernel.std() == pytest.approx(1 / 8 / np.sqrt(3), rel=0.02)
    assert abs(kernel.mean()) < 2e-3
    assert not bias.any()


def test_the_last_layer_computes_in_float32_whatever_the_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    layer = layers.linear(5, 64, seeds=layers.Seeds(0), name="logits")
    assert layer.compute_dtype == layer.variable_dtype == "float32"
