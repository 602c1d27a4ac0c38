import keras
import numpy as np
import pytest

from kd_keras.models import conversion

LAYERS = ("standardization", "stem", "block", "pooled")


def images(count=4):
    return np.random.default_rng(0).uniform(0, 255, (count, 8, 8, 3)).astype(np.float32)


def block():
    block_input = keras.Input((6, 6, 4))
    x = keras.layers.BatchNormalization(name="normalization")(block_input)
    x = keras.layers.ReLU(name="relu")(x)
    return keras.Model(block_input, keras.layers.Dropout(0.5, name="dropout")(x), name="block")


def network(*head):
    """A classifier on 8x8 images that ends in the given layers."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Normalization(
        mean=[120.0, 118.0, 110.0], variance=[3600.0, 3700.0, 3800.0], name="standardization"
    )(image)
    x = keras.layers.Conv2D(4, 3, name="stem")(x)
    x = block()(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    for layer in head:
        x = layer(x)
    return keras.Model(image, x, name="network")


def linear():
    return keras.layers.Dense(5, name="head")


def test_with_taps_returns_the_outputs_of_the_layers():
    model = network(linear())
    outputs = conversion.with_taps(model, ["stem", "pooled", "block/relu"])(images())
    assert sorted(outputs) == ["block/relu", "logits", "pooled", "stem"]
    np.testing.assert_array_equal(outputs["logits"], model(images()))
    stem = model.get_layer("stem")(model.get_layer("standardization")(images()))
    np.testing.assert_array_equal(outputs["stem"], stem)
    normalized = model.get_layer("block").get_layer("normalization")(stem)
    np.testing.assert_array_equal(outputs["block/relu"], np.maximum(normalized, 0))
    pooled = np.maximum(normalized, 0).mean(axis=(1, 2))
    np.testing.assert_allclose(outputs["pooled"], pooled, rtol=1e-5)


def test_with_taps_shares_the_weights_and_leaves_the_model():
    model = network(linear())
    before = [layer.name for layer in model.layers]
    tapped = conversion.with_taps(model, ["block/normalization"])
    assert {id(v) for v in tapped.weights} == {id(v) for v in model.weights}
    assert [layer.name for layer in model.layers] == before


def test_with_taps_moves_the_statistics_once_in_training():
    model = network(linear())
    conversion.with_taps(model, ["stem", "block/relu"])(images(), training=True)
    stem = model.get_layer("stem")(model.get_layer("standardization")(images())).numpy()
    moving_mean = model.get_layer("block").get_layer("normalization").moving_mean
    np.testing.assert_allclose(moving_mean, 0.01 * stem.mean(axis=(0, 1, 2)), rtol=1e-4)


def test_with_taps_belongs_to_the_model_given_where_layers_are_shared():
    shared = keras.layers.Dense(3, name="shared")
    other = keras.Input((2,))
    keras.Model(other, shared(other))
    image = keras.Input((2,))
    model = keras.Model(image, keras.layers.Dense(2)(shared(2.0 * image)))
    outputs = conversion.with_taps(model, ["shared"])(np.ones((1, 2)))
    np.testing.assert_array_equal(outputs["shared"], shared(2.0 * np.ones((1, 2))))


def test_with_taps_refuses_an_unknown_layer():
    with pytest.raises(ValueError, match=r"Unknown tap\. .*block/relu.* Did you mean pooled\?"):
        conversion.with_taps(network(linear()), ["poold"])
    with pytest.raises(ValueError, match=r"Received: logits, which is always among the outputs"):
        conversion.with_taps(network(linear()), ["logits"])


def test_with_taps_refuses_a_layer_that_is_called_twice():
    shared = keras.layers.Dense(3, name="shared")
    image = keras.Input((3,))
    model = keras.Model(image, shared(shared(image)))
    with pytest.raises(ValueError, match=r"Ambiguous tap shared\. .* called 2 times"):
        conversion.with_taps(model, ["shared"])


def test_with_taps_refuses_a_layer_with_several_outputs():
    image = keras.Input((4, 3))
    outputs = keras.layers.LSTM(2, return_state=True, name="lstm")(image)
    model = keras.Model(image, keras.layers.Dense(2)(outputs[0]))
    with pytest.raises(ValueError, match=r"Invalid tap lstm\. .* Received: several outputs"):
        conversion.with_taps(model, ["lstm"])


def test_without_preprocessing_takes_standardized_images():
    model = network(linear())
    bare = conversion.without_preprocessing(model)
    deviation = np.sqrt([3600.0, 3700.0, 3800.0])
    standardized = ((images() - [120.0, 118.0, 110.0]) / deviation).astype(np.float32)
    np.testing.assert_allclose(bare(standardized), model(images()), rtol=1e-4, atol=1e-5)
    assert "standardization" not in [layer.name for layer in bare.layers]
    assert "standardization" in [layer.name for layer in model.layers]
    assert [id(v) for v in bare.weights] == [id(v) for v in model.weights]


def test_without_preprocessing_refuses_a_model_that_has_none():
    image = keras.Input((2,), name="image")
    model = keras.Model(image, keras.layers.Dense(2, name="head")(image), name="network")
    with pytest.raises(ValueError, match=r"network has no preprocessing\. .* layers: image, head"):
        conversion.without_preprocessing(model)


def test_without_preprocessing_takes_standardized_images_where_pixels_are_whole_numbers():
    image = keras.Input((2,), dtype="uint8", name="image")
    standardization = keras.layers.Rescaling(0.5, name="standardization")
    model = keras.Model(image, keras.layers.Dense(2)(standardization(inputs=image)))
    bare = conversion.without_preprocessing(model)
    np.testing.assert_array_equal(bare(np.array([[0.5, 1.5]])), model(np.array([[1, 3]])))
