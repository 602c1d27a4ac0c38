import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models
from kd_keras.models import binary_weights


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(0.0, 1.0, shape).astype(np.float32)


def binary(kernel):
    """alpha sign(W), alpha = mean |W| of the filter."""
    alpha = np.abs(kernel).mean(axis=(0, 1, 2))
    return alpha * np.where(kernel >= 0, 1.0, -1.0)


def test_weights_are_the_mean_magnitude_of_their_filter_with_their_sign():
    kernel = draw(3, 3, 2, 4)
    kernel[0, 0, 0, 0] = 0.0
    np.testing.assert_allclose(binary_weights.binarize(kernel), binary(kernel), rtol=1e-6)


def test_the_gradient_is_that_of_the_paper():
    kernel, upstream = draw(3, 3, 2, 4), draw(3, 3, 2, 4, seed=1)
    variable = tf.Variable(kernel)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(binary_weights.binarize(variable) * upstream)
    alpha = np.abs(kernel).mean(axis=(0, 1, 2))
    assert (np.abs(kernel) > 1).any()
    expected = upstream * (1 / 18 + alpha * (np.abs(kernel) <= 1))
    np.testing.assert_allclose(tape.gradient(total, variable), expected, rtol=1e-5)


def network():
    image = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(3, 1, name="first")(image)
    x = keras.layers.Conv2D(2, 1, name="second", activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(2, name="last")(x))


def expected_logits(model, images):
    weights = {layer.name: layer.get_weights() for layer in model.layers}
    x = images @ weights["first"][0][0, 0] + weights["first"][1]
    x = np.maximum(x @ binary(weights["second"][0])[0, 0] + weights["second"][1], 0)
    return x.mean(axis=(1, 2)) @ weights["last"][0] + weights["last"][1]


def test_all_convolutions_but_the_first_are_binary():
    model, images = network(), draw(5, 4, 4, 2)
    np.testing.assert_allclose(
        models.with_binary_weights(model)(images), expected_logits(model, images), atol=1e-5
    )


def test_its_own_weights_are_trained_and_stay_in_floating_point():
    model = models.with_binary_weights(network())
    before = model.get_layer("second").kernel.numpy()
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(draw(8, 4, 4, 2)) ** 2)
    gradients = tape.gradient(total, model.trainable_variables)
    keras.optimizers.SGD(0.1).apply(gradients, model.trainable_variables)
    kernel = model.get_layer("second").kernel.numpy()
    assert not np.array_equal(kernel, before)
    assert len(np.unique(np.abs(kernel))) > 2


def test_what_is_saved_is_a_plain_network_with_two_values_per_filter():
    model, images = models.with_binary_weights(network()), draw(5, 4, 4, 2)
    plain = models.to_plain(model)
    assert {type(layer).__module__.split(".")[0] for layer in plain.layers} == {"keras"}
    kernel = plain.get_layer("second").kernel.numpy()
    assert [len(np.unique(np.abs(filter_))) for filter_ in np.moveaxis(kernel, -1, 0)] == [1, 1]
    np.testing.assert_allclose(plain(images), model(images), atol=1e-6)


def test_it_computes_in_half_precision_and_copies_to_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.with_binary_weights(network())
    finally:
        keras.config.set_dtype_policy("float32")
    images = draw(5, 4, 4, 2)
    exact = models.to_float32(model)
    assert type(exact.get_layer("second")) is binary_weights.BinaryConv2D
    np.testing.assert_allclose(exact(images), expected_logits(exact, images), atol=1e-5)
    difference = np.abs(tf.cast(model(images), tf.float32) - exact(images))
    assert difference.max() < 0.05 * np.ptp(exact(images))


def test_convolutions_of_a_model_inside_are_binary_too():
    image = keras.Input((4, 4, 2))
    outer = keras.Model(image, network()(keras.layers.Conv2D(2, 1)(image)))
    inner = models.with_binary_weights(outer).layers[-1]
    assert type(inner.get_layer("first")) is binary_weights.BinaryConv2D


def test_a_network_with_one_convolution_is_refused():
    image = keras.Input((4, 4, 2))
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(image), name="shallow")
    with pytest.raises(ValueError, match=r"Cannot make the weights of shallow binary\. Expected"):
        models.with_binary_weights(model)
