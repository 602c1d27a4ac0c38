import keras
import numpy as np
import pytest

from kd_keras import models
from kd_keras.export import folding, tflite_float32

SHAPE = (8, 8, 3)


def normalization(x, *, gamma=None, **options):
    layer = keras.layers.BatchNormalization(**options)
    x = layer(x)
    generator = np.random.default_rng(len(layer.name) + x.shape[-1])
    for weight in layer.weights:
        low, high = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.5, 0.5)
        weight.assign(generator.uniform(low, high, weight.shape))
    if gamma is not None:
        layer.gamma.assign(gamma)
    return x


def convolution(x, filters=4, **options):
    options = {"padding": "same", "use_bias": False, **options}
    return keras.layers.Conv2D(filters, 3, **options)(x)


def relu(x):
    return keras.layers.ReLU()(x)


def classifier(image, x):
    if len(x.shape) == 4:
        x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(5)(x))


def count(model, kind):
    return sum(type(operation) is kind for operation in model.operations)


def names(model):
    return [type(operation).__name__ for operation in model.operations]


def assert_equal(model, folded, scale=1.0):
    images = np.random.default_rng(0).normal(0, scale, (6, *SHAPE)).astype(np.float32)
    expected = model(images).numpy()
    np.testing.assert_allclose(folded(images), expected, atol=2e-6 * np.abs(expected).max() + 1e-6)


def stream(gammas, *, tail=lambda x: x):
    """Two residual blocks with identity shortcuts: stem, normalised; sum, normalised; ..."""
    image = keras.Input(SHAPE)
    x = convolution(image)
    for gamma in gammas[:-1]:
        x = keras.layers.Add()([x, convolution(relu(normalization(x, gamma=gamma)))])
    return classifier(image, relu(normalization(tail(x), gamma=gammas[-1])))


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_no_normalization_is_left_of_a_wide_residual_network(policy):
    keras.config.set_dtype_policy(policy)
    model = models.to_float32(
        models.get(
            "wide_resnet",
            image_shape=SHAPE,
            num_classes=5,
            depth=16,
            width=1,
            mean=[120.0, 118.0, 110.0],
            standard_deviation=[60.0, 61.0, 62.0],
        )
    )
    generator = np.random.default_rng(1)
    for weight in model.weights:
        low, high = (0.1, 2.0) if weight.name in ("gamma", "moving_variance") else (-0.5, 0.5)
        weight.assign(generator.uniform(low, high, weight.shape))
    folded = folding.fold(model)
    kinds = set(names(folded))
    # What is left of the standardisation is its difference, an addition.
    assert kinds == {
        *("InputLayer", "Add", "Conv2D", "ReLU", "ZeroPadding2D"),
        *("GlobalAveragePooling2D", "Dense"),
    }
    assert len(names(folded)) < len(names(model)) - 13
    assert_equal(model, folded, scale=100.0)


def test_a_normalization_after_a_convolution_becomes_its_bias():
    image = keras.Input(SHAPE)
    x = convolution(image, use_bias=True)
    # Nothing has to commute with what follows.
    x = keras.layers.Activation("sigmoid")(normalization(x, gamma=[-2.0, 0.0, 1e-12, 3.0]))
    model = classifier(image, x)
    folded = folding.fold(model)
    assert count(folded, keras.layers.BatchNormalization) == 0
    assert_equal(model, folded)


def test_a_normalized_sum_of_convolutions_is_folded_into_all_of_them():
    image = keras.Input(SHAPE)
    x = convolution(image) + convolution(image, use_bias=True)
    x = keras.layers.Add()([x, keras.layers.Conv2D(4, 1)(image)])
    model = classifier(image, keras.activations.gelu(normalization(x, gamma=[1, -1, 0, 2.0])))
    folded = folding.fold(model)
    assert count(folded, keras.layers.BatchNormalization) == 0
    assert not [name for name in names(folded) if "Mul" in name]
    assert_equal(model, folded)


@pytest.mark.parametrize("signs", [[1, 1, 1, 1], [-1, 1, -1, 1]])
def test_a_stream_of_sums_is_shifted_and_flipped(signs):
    signs = np.array(signs)
    model = stream([signs * 0.5, signs * 2.0, signs * 1.0])
    folded = folding.fold(model)
    assert count(folded, keras.layers.BatchNormalization) == 0
    assert not [name for name in names(folded) if "Mul" in name]
    assert_equal(model, folded)


def test_another_sign_in_the_stream_leaves_one_product():
    model = stream([np.ones(4), np.array([1, 1, -1, 1]), np.ones(4)])
    folded = folding.fold(model)
    assert len([name for name in names(folded) if "Mul" in name]) == 1
    assert_equal(model, folded)


@pytest.mark.parametrize("gamma", [0.0, 1e-6])
def test_a_slope_next_to_zero_leaves_product_and_sum(gamma):
    model = stream([np.ones(4), np.array([1, 1, gamma, 1]), np.ones(4)])
    folded = folding.fold(model)
    assert len([name for name in names(folded) if "Mul" in name]) == 1
    assert_equal(model, folded)


def test_what_else_reads_a_stream_sees_it_unchanged():
    read = []

    def tail(x):
        read.append(keras.layers.GlobalAveragePooling2D()(keras.activations.tanh(x)))
        return x

    model = stream([np.ones(4)] * 3, tail=tail)
    both = keras.layers.Concatenate()([read[0], model.output])
    model = keras.Model(model.input, both)
    assert_equal(model, folding.fold(model))


def test_a_sum_with_something_that_is_no_convolution():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Add()([image, convolution(image, 3)])
    x = relu(normalization(x, gamma=[1.0, 2.0, 0.5]))
    x = keras.layers.Add()([keras.layers.MaxPooling2D()(x), convolution(x, 3, strides=2)])
    model = classifier(image, relu(normalization(x)))
    assert_equal(model, folding.fold(model))


def test_a_sum_that_no_bias_can_correct_is_left_alone():
    image = keras.Input(SHAPE)
    x = convolution(image)
    a = relu(normalization(x))
    y = convolution(a)
    both = keras.layers.Add()([x, y])  # reads x, which a normalisation reads too
    again = keras.layers.Add()([both, x])  # nothing here is a convolution of its own
    model = classifier(image, relu(normalization(again)) + relu(normalization(both)))
    assert_equal(model, folding.fold(model))


def test_a_shared_layer_keeps_its_weights():
    image = keras.Input(SHAPE)
    shared = keras.layers.Conv2D(3, 3, padding="same")
    once = relu(normalization(shared(image)))
    model = classifier(image, relu(normalization(shared(once))))
    assert_equal(model, folding.fold(model))


@pytest.mark.parametrize(
    "make",
    [
        lambda x: keras.layers.DepthwiseConv2D(3, depth_multiplier=2)(x),
        lambda x: keras.layers.DepthwiseConv2D(3, activation="tanh")(x),
        lambda x: keras.layers.Conv2D(4, 3, groups=2)(x),
        lambda x: keras.layers.SeparableConv2D(4, 3)(x),
        lambda x: keras.layers.Dense(6, activation="relu")(x),
        lambda x: keras.layers.AveragePooling2D(2, padding="same")(x),
        lambda x: keras.layers.ZeroPadding2D()(keras.layers.MaxPooling2D()(x)),
        lambda x: keras.layers.ReLU(max_value=0.5)(x),
        lambda x: keras.layers.LeakyReLU()(x),
        lambda x: keras.layers.Flatten()(x),
    ],
)
def test_every_reader_of_a_stream_computes_the_same(make):
    image = keras.Input(SHAPE)
    x = convolution(image)
    y = keras.layers.Add()([x, convolution(relu(normalization(x)))])
    read = make(relu(normalization(y)))
    if len(read.shape) == 4:
        read = relu(normalization(convolution(read)))
    model = classifier(image, read)
    assert_equal(model, folding.fold(model))


def test_options_of_normalization_are_kept():
    image = keras.Input(SHAPE)
    x = relu(normalization(convolution(image), scale=False, epsilon=0.1))
    x = relu(normalization(convolution(x), center=False))
    model = classifier(image, x)
    folded = folding.fold(model)
    assert count(folded, keras.layers.BatchNormalization) == 0
    assert_equal(model, folded)


def test_a_normalization_at_the_end_or_over_another_axis_stays():
    image = keras.Input(SHAPE)
    x = keras.layers.BatchNormalization(axis=1)(convolution(image))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, normalization(keras.layers.Dense(5)(x)))
    folded = folding.fold(model)
    assert count(folded, keras.layers.BatchNormalization) == 1
    assert_equal(model, folded)


def test_the_given_model_is_not_altered():
    model = stream([np.ones(4)] * 3)
    before = model.get_weights()
    folding.fold(model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_file_has_convolutions_and_residual_sums_only(trained, operations_of, tmp_path):
    path = tflite_float32.write_tflite_float32(trained, tmp_path / "model")
    # One sum takes the mean from the image, one is the residual. ReLU is fused into both kinds.
    assert sorted(operations_of(path)) == ["ADD", "ADD"] + ["CONV_2D"] * 4 + [
        "FULLY_CONNECTED",
        "MEAN",
    ]


def test_what_reads_a_stream_by_keyword_sees_it_unchanged():
    image = keras.Input(SHAPE)
    x = keras.layers.Reshape((-1, 4))(convolution(image))
    x = keras.layers.Dense(4)(x)
    read = keras.layers.MultiHeadAttention(2, 2)(query=normalization(x), value=x)
    model = classifier(image, keras.layers.GlobalAveragePooling1D()(read))
    assert_equal(model, folding.fold(model))
    x = convolution(image)
    both = keras.layers.Concatenate()(inputs=[relu(normalization(x)), x])
    model = classifier(image, convolution(both))
    assert_equal(model, folding.fold(model))


def test_layers_that_are_called_by_keyword_are_folded():
    image = keras.Input(SHAPE)
    x = keras.layers.Rescaling(1 / 255)(inputs=image)
    x = keras.layers.Conv2D(4, 3)(inputs=x)
    x = relu(keras.layers.BatchNormalization()(inputs=x))
    model = classifier(image, keras.layers.Dropout(0.5)(inputs=x))
    folded = folding.fold(model)
    assert names(folded)[:3] == ["InputLayer", "Conv2D", "ReLU"]
    assert_equal(model, folded)
