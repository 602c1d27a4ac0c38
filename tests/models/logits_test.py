import keras
import numpy as np
import pytest

from kd_keras.models import logits


def images(count=4):
    return np.random.default_rng(0).uniform(0, 255, (count, 8, 8, 3)).astype(np.float32)


def network(*head, pooled=True):
    """A classifier on 8x8 images that ends in the given layers."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Rescaling(1 / 60, name="standardization")(image)
    x = keras.layers.Conv2D(4, 3, name="stem")(x)
    if pooled:
        x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    for layer in head:
        x = layer(x)
    return keras.Model(image, x, name="network")


def linear():
    return keras.layers.Dense(5, name="head")


def softmax(name="head"):
    return keras.layers.Dense(5, activation="softmax", name=name)


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
    logits_model = logits.to_logits(model)
    assert_logits_of(logits_model, model)
    assert logits_model.name == "network"
    np.testing.assert_array_equal(model(images()), before)


def test_to_logits_shares_every_weight():
    model = network(keras.layers.Dense(5, activation="softmax", name="head"))
    logits_model = logits.to_logits(model)
    assert [id(v) for v in logits_model.weights] == [id(v) for v in model.weights]
    logits_model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    logits_model.fit(images(), np.arange(4), verbose=0)
    assert_logits_of(logits_model, model)


def test_to_logits_saves_and_loads(tmp_path):
    logits_model = logits.to_logits(network(keras.layers.Dense(5, activation="softmax")))
    logits_model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images()), logits_model(images()))


@pytest.mark.parametrize("head", [lambda: [linear()], lambda: [linear(), keras.ops.log_softmax]])
def test_to_logits_gives_back_a_model_that_ends_in_logits(head):
    model = network(*head())
    assert logits.to_logits(model) is model


def test_to_logits_gives_back_logits_that_are_passed_through():
    model = network(linear(), keras.layers.Activation("linear", dtype="float32"))
    assert logits.to_logits(model) is model


def test_to_logits_works_on_a_sequential_model():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(5, activation="softmax"),
        ]
    )
    assert_logits_of(logits.to_logits(model), model)


def test_to_logits_are_float32_under_mixed_precision():
    model = network(
        keras.layers.Dense(5, dtype="mixed_bfloat16"), keras.layers.Softmax(dtype="float32")
    )
    assert logits.to_logits(model).outputs[0].dtype == "float32"


def test_to_logits_refuses_what_it_cannot_take_off():
    with pytest.raises(
        ValueError, match=r"No logits in layer head\. .* Received: sigmoid in Dense"
    ):
        logits.to_logits(network(keras.layers.Dense(5, activation="sigmoid", name="head")))
    with pytest.raises(ValueError, match=r"Received: sigmoid in Activation\. A sigmoid answers"):
        logits.to_logits(network(linear(), keras.layers.Activation("sigmoid")))
    with pytest.raises(ValueError, match=r"Received: relu in Dense\. Give the activation"):
        logits.to_logits(network(keras.layers.Dense(5, activation="relu")))

    class OwnDense(keras.layers.Dense):
        pass

    with pytest.raises(ValueError, match=r"Received: softmax in OwnDense"):
        logits.to_logits(network(OwnDense(5, activation="softmax")))


def test_to_logits_refuses_two_outputs():
    image = keras.Input((2,))
    model = keras.Model(image, [keras.layers.Dense(2)(image), keras.layers.Dense(3)(image)])
    with pytest.raises(ValueError, match=r"one output. Received: 1 inputs and 2 outputs"):
        logits.to_logits(model)


@pytest.mark.parametrize(
    "shape",
    [
        lambda: keras.layers.Flatten(),
        lambda: keras.layers.Reshape((5,)),
        lambda: keras.layers.Reshape(target_shape=(-1,)),
        lambda: lambda x: keras.ops.squeeze(x, axis=(1, 2)),
    ],
    ids=["flatten", "reshape", "reshape_unknown", "squeeze"],
)
@pytest.mark.parametrize("apart", [False, True], ids=["in the layer", "apart"])
def test_to_logits_looks_through_what_shapes_the_numbers(shape, apart):
    convolution = keras.layers.Conv2D(5, 6, activation=None if apart else "softmax", name="head")
    head = [convolution, keras.layers.Softmax()] if apart else [convolution]
    model = network(*head, shape(), pooled=False)
    logits_model = logits.to_logits(model)
    assert_logits_of(logits_model, model)
    assert [id(v) for v in logits_model.weights] == [id(v) for v in model.weights]


def test_to_logits_refuses_a_softmax_that_is_not_over_all_classes():
    convolution = keras.layers.Conv2D(5, 5, activation="softmax")
    model = network(convolution, keras.layers.Flatten(name="flat"), pooled=False)
    message = (
        r"^No logits before layer flat\. Expected a softmax over all of its numbers\. Received: "
        r"one over the last axis of \(None, 2, 2, 5\), shaped as \(None, 20\)\. Put the softmax "
        r"behind that layer\.$"
    )
    with pytest.raises(ValueError, match=message):
        logits.to_logits(model)
    model = network(keras.layers.Conv2D(5, 6), keras.layers.Softmax(axis=1), pooled=False)
    with pytest.raises(ValueError, match=r"Received: softmax over axis 1 in Softmax\."):
        logits.to_logits(model)


@pytest.mark.parametrize(
    ("average", "name"),
    [
        (lambda a, b: keras.layers.Average()([a, b]), "Average"),
        (lambda a, b: keras.layers.Average()(inputs=[a, b]), "Average"),
        (lambda a, b: (a + b) / 2.0, "TrueDivide"),
        (lambda a, b: 0.3 * a + 0.7 * b, "Add"),
        (lambda a, b: keras.ops.mean(keras.layers.Reshape((1, 5))(a), axis=1), "Mean"),
    ],
    ids=["layer", "keyword", "half", "weighted", "mean"],
)
def test_to_logits_refuses_an_average_of_probabilities(average, name):
    model = network(linear())
    inside = keras.Sequential([keras.Input((5,)), softmax()])
    outputs = average(softmax("one")(model.output), inside(model.output))
    message = (
        rf"^No logits in layer \w+\. Expected a last layer with a softmax or no activation\. "
        rf"Received: probabilities, put together by {name}\. Put the logits together instead, and "
        r"the softmax behind\.$"
    )
    with pytest.raises(ValueError, match=message):
        logits.to_logits(keras.Model(model.inputs[0], outputs))


def test_to_logits_gives_back_a_mixture_of_logits():
    model = network(linear())
    gate = keras.layers.Dense(5, activation="softmax")(model.output)
    for outputs in (
        gate * model.output,
        keras.layers.Average()([model.output, keras.layers.Dense(5)(gate)]),
        model.output / 3.0,
    ):
        mixture = keras.Model(model.inputs[0], outputs)
        assert logits.to_logits(mixture) is mixture


def test_to_logits_takes_tensors_by_keyword():
    model = network(linear())
    outputs = keras.layers.Softmax()(inputs=model.output)
    model = keras.Model(model.inputs[0], keras.layers.Identity()(inputs=outputs), name="network")
    assert_logits_of(logits.to_logits(model), model)


def test_to_logits_finds_the_softmax_of_a_model_inside_with_a_dictionary():
    model = network(linear())
    top = keras.Input((5,))
    inside = keras.Model(top, {"classes": keras.layers.Softmax()(top)})
    model = keras.Model(model.inputs[0], inside(model.output)["classes"], name="network")
    assert_logits_of(logits.to_logits(model), model)
