import keras
import numpy as np
import pytest

from kd_keras import models


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, shape).astype(np.float32)


def network():
    image = keras.Input((1, 1, 3))
    x = keras.layers.BatchNormalization(name="first", epsilon=1e-3)(image)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.Conv2D(2, 1, name="convolution")(x)
    return keras.Model(image, keras.layers.BatchNormalization(name="second")(x))


def expected_statistics(model, images, batch_size):
    """Means over the batches of the mean and variance of what each normalisation is given."""
    kernel, bias = model.get_layer("convolution").get_weights()
    found = []
    for start in range(0, len(images) // batch_size * batch_size, batch_size):
        x = images[start : start + batch_size, 0, 0].astype(np.float64)
        normalized = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)
        y = normalized @ kernel[0, 0] + bias
        found.append((x.mean(axis=0), x.var(axis=0), y.mean(axis=0), y.var(axis=0)))
    return [np.mean(values, axis=0) for values in zip(*found, strict=True)]


def test_statistics_are_the_means_over_the_batches():
    model, images = network(), draw(21, 1, 1, 3)
    expected = expected_statistics(model, images, batch_size=4)
    assert models.re_estimate_statistics(model, images, batch_size=4) == 2
    first, second = model.get_layer("first"), model.get_layer("second")
    received = [
        statistic
        for layer in (first, second)
        for statistic in (layer.moving_mean, layer.moving_variance)
    ]
    for value, wanted in zip(received, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


def test_nothing_else_changes():
    model = network()
    before = [v.numpy() for v in model.trainable_variables]
    momenta = [layer.momentum for layer in model.layers if hasattr(layer, "momentum")]
    models.re_estimate_statistics(model, draw(3, 1, 1, 3))
    for old, new in zip(before, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, new)
    assert [layer.momentum for layer in model.layers if hasattr(layer, "momentum")] == momenta


def test_a_frozen_one_keeps_its_statistics_and_is_not_counted():
    model = network()
    model.get_layer("first").trainable = False
    before = [weight.numpy() for weight in model.get_layer("first").weights]
    assert models.re_estimate_statistics(model, draw(8, 1, 1, 3)) == 1
    for old, new in zip(before, model.get_layer("first").weights, strict=True):
        np.testing.assert_array_equal(old, new)
    model.trainable = False
    assert models.re_estimate_statistics(model, draw(8, 1, 1, 3, seed=1)) == 0


def test_a_model_inside_counts():
    image = keras.Input((1, 1, 3))
    inner = network()
    model = keras.Model(image, inner(image))
    assert models.re_estimate_statistics(model, draw(8, 1, 1, 3)) == 2
    expected = draw(8, 1, 1, 3).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(inner.get_layer("first").moving_mean, expected, rtol=1e-4)


def test_without_normalisation_there_is_nothing_to_do():
    image = keras.Input((1, 1, 3))
    model = keras.Model(image, keras.layers.Conv2D(2, 1)(image))
    assert models.re_estimate_statistics(model, draw(3, 1, 1, 3)) == 0


def test_no_images_are_refused():
    with pytest.raises(ValueError, match=r"Expected images to take the statistics of\. Received"):
        models.re_estimate_statistics(network(), draw(0, 1, 1, 3))


def test_dropout_that_is_called_by_keyword_is_left_out():
    image = keras.Input((1, 1, 1))
    layer = keras.layers.BatchNormalization()
    model = keras.Model(image, layer(keras.layers.Dropout(0.9)(inputs=image)))
    pixels = np.array([1.0, 5.0], np.float32).reshape(2, 1, 1, 1)
    assert models.re_estimate_statistics(model, pixels) == 1
    assert (float(layer.moving_mean[0]), float(layer.moving_variance[0])) == (3.0, 4.0)
