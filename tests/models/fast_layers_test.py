import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models

TOLERANCE = {"float32": 2e-5, "mixed_bfloat16": 3e-2, "mixed_float16": 4e-3}


def _normalization(policy, shape, **arguments):
    layer = keras.layers.BatchNormalization(dtype=policy, epsilon=1e-3, **arguments)
    layer.build((None, *shape))
    generator = np.random.default_rng(1)
    for variable in layer.weights:
        variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    return layer


def _everything(layer, twin, inputs, training):
    """Outputs, gradients and moving statistics, the last as they were before."""
    before = [variable.numpy() for variable in layer.weights]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = twin(inputs, training=training)
        weights = tf.random.stateless_normal(tf.shape(outputs), [1, 2])
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * weights)
    gradients = tape.gradient(loss, [inputs, *layer.trainable_variables])
    after = [variable.numpy() for variable in layer.weights]
    for variable, value in zip(layer.weights, before, strict=True):
        variable.assign(value)
    return [outputs, *gradients, *after]


def _assert_same(layer, inputs, training, tolerance):
    image = keras.Input(inputs.shape[1:])
    twin = models.accelerate(keras.Model(image, layer(image)))
    assert twin.layers[-1] is not layer
    expected = _everything(layer, layer, inputs, training)
    found = _everything(layer, twin, inputs, training)
    for one, other in zip(found, expected, strict=True):
        one, other = (tf.cast(value, tf.float32).numpy() for value in (one, other))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * abs(other).max())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("policy", TOLERANCE)
@pytest.mark.parametrize("shape", [(5, 4, 6), (6,)])
def test_normalization_is_that_of_keras(policy, shape, training):
    layer = _normalization(policy, shape)
    inputs = tf.random.stateless_normal([7, *shape], [3, 4]) * 2.0 + 0.5
    _assert_same(layer, inputs, training, TOLERANCE[policy])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("arguments", [{"scale": False}, {"center": False}, {"axis": 3}])
def test_normalization_without_scale_or_offset(arguments, training):
    inputs = tf.random.stateless_normal([7, 5, 4, 6], [3, 4]) + 1.0
    _assert_same(_normalization("float32", (5, 4, 6), **arguments), inputs, training, 2e-5)


def test_normalization_of_a_single_value():
    inputs = tf.constant([[[[1.0, 2.0]]]])
    _assert_same(_normalization("float32", (1, 1, 2)), inputs, True, 2e-5)


def test_a_frozen_normalization_is_in_inference():
    layer = _normalization("float32", (5, 4, 6))
    layer.trainable = False
    inputs = tf.random.stateless_normal([7, 5, 4, 6], [3, 4])
    _assert_same(layer, inputs, True, 2e-5)
    moved = layer.moving_mean.numpy()
    image = keras.Input((5, 4, 6))
    models.accelerate(keras.Model(image, layer(image)))(inputs, training=True)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), moved)


class Own(keras.layers.BatchNormalization):
    pass


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.BatchNormalization(axis=1),
        keras.layers.BatchNormalization(synchronized=True),
        keras.layers.BatchNormalization(renorm=True),
        keras.layers.BatchNormalization(dtype="float64"),
        keras.layers.BatchNormalization(activity_regularizer="l2"),
        Own(),
    ],
)
def test_other_normalizations_are_left_as_they_are(layer):
    image = keras.Input((5, 4, 6))
    assert models.accelerate(keras.Model(image, layer(image))).layers[-1] is layer


def test_a_mask_is_left_to_keras():
    image = keras.Input((6,))
    layer = keras.layers.BatchNormalization()
    # One mask for all features, so that it has one dimension less than they.
    masked = keras.layers.Masking()(keras.layers.Reshape((1, 6))(image))
    model = keras.Model(image, layer(masked))
    vectors = np.concatenate([np.ones((2, 6)), np.zeros((2, 6))]).astype("float32")
    models.accelerate(model)(vectors, training=True)
    np.testing.assert_allclose(layer.moving_mean, 0.01 * np.ones(6), rtol=1e-5)


def _dropout(policy, rate=0.3, after_relu=False):
    image = keras.Input((8, 8, 16), dtype="float32")
    x = keras.layers.ReLU(dtype=policy)(image) if after_relu else image
    layer = keras.layers.Dropout(rate, seed=5, dtype=policy)
    return layer, models.accelerate(keras.Model(image, layer(x)))


@pytest.mark.parametrize("policy", TOLERANCE)
@pytest.mark.parametrize("after_relu", [False, True])
def test_dropout_and_its_gradient(policy, after_relu):
    _, twin = _dropout(policy, after_relu=after_relu)
    values = tf.random.stateless_normal([64, 8, 8, 16], [3, 4])
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = twin(values, training=True)
        upstream = tf.cast(tf.random.stateless_normal(values.shape, [5, 6]), outputs.dtype)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * tf.cast(upstream, tf.float32))
    gradient = tape.gradient(loss, values).numpy()
    outputs, upstream = (tf.cast(x, tf.float32).numpy() for x in (outputs, upstream))
    values = values.numpy()
    kept = outputs != 0.0
    scale = 256 / (256 - 77)  # 0.3 of 256 values is 77
    expected = np.where(kept, values * scale, 0.0)
    np.testing.assert_allclose(outputs, expected, rtol=1e-2, atol=1e-6)
    np.testing.assert_allclose(gradient, np.where(kept, upstream * scale, 0.0), rtol=1e-2)
    possible = values > 0.0 if after_relu else np.ones_like(kept)
    rate = 1.0 - kept[possible].mean()
    assert abs(rate - 77 / 256) < 5 * np.sqrt(0.21 / possible.sum())


@pytest.mark.parametrize("after_relu", [False, True])
def test_dropout_is_off_outside_training(after_relu):
    layer, twin = _dropout("float32", after_relu=after_relu)
    values = tf.random.stateless_normal([2, 8, 8, 16], [3, 4])
    state = layer.seed_generator.state.numpy()
    expected = tf.nn.relu(values) if after_relu else values
    np.testing.assert_array_equal(twin(values, training=False), expected)
    np.testing.assert_array_equal(layer.seed_generator.state.numpy(), state)


def test_dropout_draws_from_the_state_that_a_checkpoint_holds():
    layer, twin = _dropout("float32")
    values = tf.ones([2, 8, 8, 16])
    before = layer.seed_generator.state.numpy()
    first, second = twin(values, training=True).numpy(), twin(values, training=True).numpy()
    assert (first != second).mean() > 0.2
    np.testing.assert_array_equal(layer.seed_generator.state.numpy(), [before[0], before[1] + 2])
    layer.seed_generator.state.assign(before)
    np.testing.assert_array_equal(twin(values, training=True), first)


def test_a_rate_that_bytes_cannot_express_is_left_to_keras():
    layer, twin = _dropout("float32", rate=1e-4)
    assert twin.layers[-1] is layer


@pytest.mark.parametrize("arguments", [{"use_bias": False}, {"activation": "relu"}])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_convolution_is_that_of_keras(arguments, kernel_size, strides, monkeypatch):
    monkeypatch.setattr(
        "kd_keras.processor.capabilities", lambda: frozenset({"amx_bf16"}), raising=True
    )
    image = keras.Input((8, 8, 16), batch_size=16)
    form = {"padding": "same", "dtype": "mixed_bfloat16"}
    layer = keras.layers.Conv2D(32, kernel_size, strides, **form, **arguments)
    model = keras.Model(image, layer(image))
    twin = models.accelerate(model)
    assert twin.layers[-1] is not layer
    values = tf.random.stateless_normal([16, 8, 8, 16], [3, 4])
    found, expected = [], []
    for network, results in ((twin, found), (model, expected)):
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = tf.cast(network(values), tf.float32)
            loss = tf.reduce_sum(outputs * tf.random.stateless_normal(outputs.shape, [1, 2]))
        results += [outputs, *tape.gradient(loss, [values, *layer.trainable_variables])]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-2, atol=2e-2 * np.abs(other).max())
