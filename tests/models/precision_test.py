import keras
import numpy as np
import pytest

from kd_keras.models import precision


def images(count=4):
    return np.random.default_rng(0).uniform(0, 255, (count, 8, 8, 3)).astype(np.float32)


def network():
    """Dropout, batch normalisation, a model inside, and a layer that is called twice."""
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Normalization(
        mean=[120.0, 118.0, 110.0], variance=[3600.0] * 3, name="standardization"
    )(image)
    x = keras.layers.Conv2D(4, 3, name="stem")(x)
    inner_input = keras.Input((6, 6, 4))
    inner = keras.layers.BatchNormalization(name="normalization")(inner_input)
    inner = keras.Sequential([keras.layers.ReLU(), keras.layers.Dropout(0.5)], name="tail")(inner)
    x = keras.Model(inner_input, inner, name="block")(x) + 0.5
    shared = keras.layers.Conv2D(4, 3, padding="same", name="shared")
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(shared(shared(x)))
    return keras.Model(image, keras.layers.Dense(5, dtype="float32", name="logits")(x))


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16", "bfloat16"])
def half(request):
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(request.param)
    yield network()
    keras.config.set_dtype_policy("float32")


def randomize_statistics(model):
    generator = np.random.default_rng(1)
    for variable in model.weights:
        if "moving" in variable.path:
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))


def every_layer(model):
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from every_layer(layer)


def test_every_layer_is_float32_with_the_same_weights(half):
    randomize_statistics(half)
    twin = precision.to_float32(half)
    assert {layer.compute_dtype for layer in every_layer(twin)} == {"float32"}
    assert {layer.variable_dtype for layer in every_layer(twin)} == {"float32"}
    assert [v.path for v in twin.weights] == [v.path for v in half.weights]
    for old, new in zip(half.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(old.astype(np.float32), new)


def test_the_logits_are_those_of_a_float32_network(half):
    randomize_statistics(half)
    policy = keras.config.dtype_policy().name
    keras.config.set_dtype_policy("float32")
    reference = network()
    keras.config.set_dtype_policy(policy)
    reference.set_weights([weight.astype(np.float32) for weight in half.get_weights()])
    twin = precision.to_float32(half)
    np.testing.assert_array_equal(twin(images()), reference(images()))


def test_the_given_model_and_the_global_policy_stay_as_they_are(half):
    policy, before = keras.config.dtype_policy().name, half.get_weights()
    twin = precision.to_float32(half)
    twin.set_weights([0 * weight for weight in twin.get_weights()])
    assert keras.config.dtype_policy().name == policy
    assert half.layers[2].compute_dtype == policy.removeprefix("mixed_")
    for old, new in zip(before, half.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_layer_called_twice_stays_one_layer(half):
    twin = precision.to_float32(half)
    assert len(twin.layers) == len(half.layers)
    assert len(twin.weights) == len(half.weights)


def test_a_layer_shared_with_a_model_inside_stays_one_layer():
    shared = keras.layers.Dense(3, dtype="mixed_bfloat16")
    inner_input = keras.Input((3,))
    inner = keras.Model(inner_input, shared(inner_input))
    image = keras.Input((3,))
    model = keras.Model(image, inner(shared(image)))
    assert len(precision.to_float32(model).weights) == len(model.weights) == 2


def test_a_float32_model_comes_back_as_it_is():
    model = network()
    assert precision.to_float32(model) is model


def test_an_adapted_normalization_keeps_what_it_has_learned():
    image = keras.Input((8, 8, 3))
    layer = keras.layers.Normalization()
    layer.adapt(images(32))
    pooled = keras.layers.GlobalAveragePooling2D()(layer(image))
    model = keras.Model(image, keras.layers.Dense(2, dtype="mixed_bfloat16")(pooled))
    twin = precision.to_float32(model)
    np.testing.assert_allclose(twin.layers[1](images()), layer(images()), rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_loaded_network_computes_under_a_policy_as_a_new_one(policy, tmp_path):
    network().save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    keras.config.set_dtype_policy(policy)
    try:
        new, twin = network(), precision.to_policy(loaded)
    finally:
        keras.config.set_dtype_policy("float32")
    kept = ("standardization", "logits")
    computing = [x for x in every_layer(twin) if not isinstance(x, keras.layers.InputLayer)]
    computed = {layer.name: layer.compute_dtype for layer in computing}
    half = policy.removeprefix("mixed_")
    assert computed == {name: "float32" if name in kept else half for name in computed}
    assert {"stem", "normalization", "shared", *kept} < set(computed)
    assert {layer.variable_dtype for layer in every_layer(twin)} == {"float32"}
    assert twin.input.dtype == twin.output.dtype == "float32"
    new.set_weights(loaded.get_weights())
    np.testing.assert_allclose(twin(images()), new(images()), atol=1e-2)
    assert not np.array_equal(twin(images()), loaded(images()))


def test_the_last_layer_of_a_model_inside_stays_in_float32():
    image, features = keras.Input((3,)), keras.Input((4,))
    inner = keras.Model(features, keras.layers.Dense(2)(keras.layers.Dense(4)(features)))
    twin = precision.to_policy(
        keras.Model(image, inner(keras.ops.cast(keras.layers.Dense(4)(image), "float32"))),
        "mixed_bfloat16",
    )
    kinds = [x.compute_dtype for x in every_layer(twin) if isinstance(x, keras.layers.Dense)]
    assert kinds == ["bfloat16", "bfloat16", "float32"]


def test_under_float32_a_model_in_half_precision_is_brought_back():
    image = keras.Input((3,))
    model = keras.Model(image, keras.layers.Dense(2, dtype="mixed_bfloat16")(image))
    twin = precision.to_policy(model)
    assert twin.layers[1].compute_dtype == "float32"
    assert precision.to_policy(twin) is twin


class Block(keras.layers.Layer):
    """A layer that makes another one, which takes the global policy."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(3)

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs)


def test_a_layer_inside_a_layer_is_converted_too():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        image = keras.Input((2,))
        twin = precision.to_float32(keras.Model(image, Block()(image)))
    finally:
        keras.config.set_dtype_policy("float32")
    assert twin.layers[1].inner.compute_dtype == "float32"
    tail = keras.Model(image, keras.layers.Dense(2)(twin(image)))
    assert precision.to_policy(tail, "mixed_bfloat16").layers[1].layers[1].inner.compute_dtype == (
        "bfloat16"
    )


def test_a_lambda_keeps_the_names_around_it():
    image = keras.Input((3,))
    x = keras.layers.Lambda(lambda x: keras.ops.negative(x), dtype="mixed_bfloat16")(image)
    twin = precision.to_float32(keras.Model(image, keras.layers.Dense(2)(x)))
    assert twin.layers[1].compute_dtype == "float32"
    np.testing.assert_array_equal(twin.layers[1](np.ones((1, 3))), [[-1.0, -1.0, -1.0]])


def test_a_half_precision_boundary_between_models_is_removed():
    """A model cut out of a mixed one has an input in half precision, which rounds."""
    x = keras.Input((3,))
    hidden = keras.layers.Dense(4, dtype="mixed_bfloat16")(x)
    tail = keras.Model(hidden, keras.layers.Dense(2, dtype="float32")(hidden))
    model = keras.Model(x, tail(hidden))
    twin = precision.to_float32(model)
    assert twin.layers[-1].inputs[0].dtype == "float32"
    kernels = [weight.astype(np.float64) for weight in model.get_weights()]
    inputs = np.random.default_rng(0).normal(size=(4, 3))
    expected = (inputs @ kernels[0] + kernels[1]) @ kernels[2] + kernels[3]
    np.testing.assert_allclose(twin(inputs), expected, rtol=1e-5)


def test_what_has_no_graph_is_refused():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(TypeError, match=r"functional or sequential .* Received: Subclassed"):
        precision.to_float32(Subclassed())
    with pytest.raises(ValueError, match=r"with an input shape. Received: empty without one"):
        precision.to_float32(keras.Sequential([keras.layers.Dense(2)], name="empty"))
