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


def assert_logits_of(logits_model, model):
    logits = np.asarray(logits_model(images()), np.float64)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, model(images()), rtol=1e-5)
    assert np.abs(logits.sum(axis=1) - 1).max() > 1e-3


@pytest.mark.parametrize(
    "head",
    [
        lambda: [keras.layers.Dense(5, activation="softmax", name="head")],
        lambda: [linear(), keras.layers.Softmax()],
        lambda: [linear(), keras.layers.Activation("softmax")],
        lambda: [linear(), keras.ops.softmax],
        lambda: [linear(), keras.layers.Softmax(), keras.layers.Activation("linear")],
        lambda: [keras.Sequential([linear(), keras.layers.Softmax()], name="top")],
    ],
    ids=["dense", "softmax", "activation", "operation", "linear_after", "inside"],
)
def test_to_logits_takes_the_softmax_off(head):
    model = network(*head())
    before = model(images()).numpy()
    logits_model = conversion.to_logits(model)
    assert_logits_of(logits_model, model)
    assert logits_model.name == "network"
    np.testing.assert_array_equal(model(images()), before)


def test_to_logits_shares_every_weight():
    model = network(keras.layers.Dense(5, activation="softmax", name="head"))
    logits_model = conversion.to_logits(model)
    assert [id(v) for v in logits_model.weights] == [id(v) for v in model.weights]
    logits_model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    logits_model.fit(images(), np.arange(4), verbose=0)
    assert_logits_of(logits_model, model)


def test_to_logits_saves_and_loads(tmp_path):
    logits_model = conversion.to_logits(network(keras.layers.Dense(5, activation="softmax")))
    logits_model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images()), logits_model(images()))


@pytest.mark.parametrize("head", [lambda: [linear()], lambda: [linear(), keras.ops.log_softmax]])
def test_to_logits_gives_back_a_model_that_ends_in_logits(head):
    model = network(*head())
    assert conversion.to_logits(model) is model


def test_to_logits_gives_back_logits_that_are_passed_through():
    model = network(linear(), keras.layers.Activation("linear", dtype="float32"))
    assert conversion.to_logits(model) is model


def test_to_logits_works_on_a_sequential_model():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(5, activation="softmax"),
        ]
    )
    assert_logits_of(conversion.to_logits(model), model)


def test_to_logits_are_float32_under_mixed_precision():
    model = network(
        keras.layers.Dense(5, dtype="mixed_bfloat16"), keras.layers.Softmax(dtype="float32")
    )
    assert conversion.to_logits(model).outputs[0].dtype == "float32"


def test_to_logits_refuses_what_it_cannot_take_off():
    with pytest.raises(
        ValueError, match=r"No logits in layer head\. .* Received: sigmoid in Dense"
    ):
        conversion.to_logits(network(keras.layers.Dense(5, activation="sigmoid", name="head")))
    with pytest.raises(ValueError, match=r"Received: sigmoid in Activation\. A sigmoid answers"):
        conversion.to_logits(network(linear(), keras.layers.Activation("sigmoid")))
    with pytest.raises(ValueError, match=r"Received: relu in Dense\. Give the activation"):
        conversion.to_logits(network(keras.layers.Dense(5, activation="relu")))

    class OwnDense(keras.layers.Dense):
        pass

    with pytest.raises(ValueError, match=r"Received: softmax in OwnDense"):
        conversion.to_logits(network(OwnDense(5, activation="softmax")))


def test_to_logits_refuses_two_outputs():
    image = keras.Input((2,))
    model = keras.Model(image, [keras.layers.Dense(2)(image), keras.layers.Dense(3)(image)])
    with pytest.raises(ValueError, match=r"one output. Received: 1 inputs and 2 outputs"):
        conversion.to_logits(model)


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
