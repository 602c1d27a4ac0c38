import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models


def _network(dropout=0.0, **arguments):
    return models.get(
        "wide_resnet",
        image_shape=(8, 8, 3),
        num_classes=4,
        depth=10,
        width=1,
        dropout=dropout,
        seed=3,
        **arguments,
    )


def _images(count=16):
    return tf.random.stateless_normal([count, 8, 8, 3], [1, 2])


def _gradients(model, variables, images):
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        loss = tf.reduce_sum(tf.square(logits))
    return [logits, *tape.gradient(loss, variables)]


def test_a_whole_network_has_its_values_and_gradients():
    model = _network()
    twin = models.accelerate(model)
    replaced = {type(layer).__name__ for layer in twin.layers} - {
        type(layer).__name__ for layer in model.layers
    }
    assert "NormalizationStandIn" in replaced
    images, variables = _images(), model.trainable_variables
    start = model.get_weights()
    found = _gradients(twin, variables, images)
    moved = model.get_weights()
    model.set_weights(start)
    expected = _gradients(model, variables, images)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * np.abs(other).max())
    for one, other in zip(moved, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_bfloat16_gives_the_gradients_of_float32_up_to_its_precision():
    """The direction of every large gradient, and the length of all of them together."""
    plain = _network()
    keras.config.set_dtype_policy("mixed_bfloat16")
    fast = _network()
    fast.set_weights(plain.get_weights())
    twin = models.accelerate(fast)
    expected = _gradients(plain, plain.trainable_variables, _images(64))[1:]
    found = _gradients(twin, fast.trainable_variables, _images(64))[1:]
    for one, other in zip(found, expected, strict=True):
        one, other = np.ravel(one), np.ravel(other)
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert cosine > 0.97
    lengths = [np.sqrt(sum(np.sum(np.square(g)) for g in group)) for group in (found, expected)]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.05)


def test_dropout_after_relu_becomes_one_layer():
    model = _network(dropout=0.5)
    names = [type(layer).__name__ for layer in models.accelerate(model).layers]
    assert names.count("DropoutStandIn") == 3
    assert "Dropout" not in names
    assert names.count("ReLU") == 4  # those of the other normalisations


def test_the_model_itself_is_left_as_it_was():
    model = _network(dropout=0.3)
    configuration, layers = model.get_config(), list(model.layers)
    models.accelerate(model)
    assert model.get_config() == configuration
    assert model.layers == layers


def test_a_layer_used_twice_and_a_model_inside():
    inner_image = keras.Input((4, 4, 3))
    normalization = keras.layers.BatchNormalization()
    inner = keras.Model(inner_image, normalization(normalization(inner_image)), name="inner")
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, inner(inner(image)))
    twin = models.accelerate(model)
    assert [id(v) for v in twin.variables] == [id(v) for v in model.variables]
    images, start = tf.random.stateless_normal([8, 4, 4, 3], [1, 2]), model.get_weights()
    found = twin(images, training=True)
    moved = model.get_weights()
    model.set_weights(start)
    np.testing.assert_allclose(found, model(images, training=True), rtol=1e-4, atol=1e-5)
    for one, other in zip(moved, model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_regularisers_count_as_often_as_they_did():
    image = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(2, 3, kernel_regularizer="l2", activity_regularizer="l2")(image)
    x = keras.layers.BatchNormalization(gamma_regularizer="l2")(x)
    model = keras.Model(image, keras.layers.Dropout(0.5)(x))
    twin = models.accelerate(model)
    images = tf.ones([2, 4, 4, 3])
    model(images)
    expected = float(sum(model.losses))
    twin(images)
    assert expected > 0.01
    assert float(sum(twin.losses)) == pytest.approx(expected, rel=1e-5)


def test_several_outputs_keep_their_structure():
    model = models.with_taps(_network(), ["group1"])
    outputs = models.accelerate(model)(_images(), training=False)
    expected = model(_images(), training=False)
    assert set(outputs) == {"logits", "group1"}
    np.testing.assert_allclose(outputs["group1"], expected["group1"], rtol=1e-4, atol=1e-5)


def test_a_model_without_a_graph_is_left_as_it_is():
    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    model = Subclassed()
    assert models.accelerate(model) is model


def test_a_relu_that_is_called_by_keyword_is_fused_with_dropout():
    image = keras.Input((4, 4, 3))
    x = keras.layers.ReLU()(inputs=image)
    model = keras.Model(image, keras.layers.Dropout(0.5)(x))
    pixels = np.random.default_rng(0).normal(0, 1, (2, 4, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(models.accelerate(model)(pixels), model(pixels))
