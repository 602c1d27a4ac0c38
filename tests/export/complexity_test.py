import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import export, models
from kd_keras.export import complexity

# The network of conftest, layer by layer: output height * width * filters * kernel * inputs.
STEM = 8 * 8 * 4 * 9 * 3
BLOCK = 4 * 4 * 8 * (9 * 4 + 9 * 8 + 4)
HEAD = 8 * 5
MULTIPLY_ADDS = STEM + BLOCK + HEAD
# Kernels, scale and shift of three normalisations, and the last layer with its bias.
PARAMETERS = 4 * 27 + 8 * (36 + 72 + 4) + 2 * (4 + 8 + 8) + 45


def test_a_model_is_counted_by_hand(network):
    measured = complexity.measure_complexity(network)
    assert measured.multiply_adds == MULTIPLY_ADDS
    assert measured.parameters == PARAMETERS
    assert measured.size_bytes == 4 * network.count_params()
    assert measured.uncounted == ()


def test_every_kind_of_file_has_the_same_figures(network, tmp_path):
    paths = export.write(network, tmp_path)
    network.save(tmp_path / "model.keras")
    for path in (*paths.values(), tmp_path / "model.keras"):
        measured = complexity.measure_complexity(path)
        assert measured.multiply_adds == MULTIPLY_ADDS, path
        assert measured.uncounted == ()
        assert measured.size_bytes == export.load_predictor(path).size_bytes
        if path.suffix != ".tflite":
            assert measured.parameters == PARAMETERS


def test_a_tflite_file_holds_folded_normalizations(network, tmp_path):
    path = export.write(network, tmp_path, formats=["tflite_float32"])["tflite_float32"]
    # Scales and shifts become a bias of each of the four convolutions; of the standardisation
    # the three means are left.
    biases = 4 + 8 + 8 + 8
    assert complexity.measure_complexity(path).parameters == PARAMETERS - 2 * 20 + biases + 3


def test_frozen_weights_are_parameters_still(network, tmp_path):
    network.trainable = False
    assert complexity.measure_complexity(network).parameters == PARAMETERS
    path = export.write(network, tmp_path, formats=["saved_model"])["saved_model"]
    assert complexity.measure_complexity(path).parameters == PARAMETERS


def test_statistics_are_no_parameters():
    image = keras.Input((8, 8, 3))
    normalization = keras.layers.Normalization()
    normalization.adapt(np.ones((4, 8, 8, 3)))
    x = keras.layers.GlobalAveragePooling2D()(normalization(image))
    model = keras.Model(image, keras.layers.Dense(2)(x))
    assert complexity.measure_complexity(model).parameters == 3 * 2 + 2


def layer_cases():
    """Layers on 8x8x4 images, with their multiply-adds from the formula."""
    conv = keras.layers
    return {
        "strided": (conv.Conv2D(6, 3, strides=2, padding="same"), 4 * 4 * 6 * 9 * 4),
        "dilated": (conv.Conv2D(6, 3, dilation_rate=2, padding="same"), 8 * 8 * 6 * 9 * 4),
        "depthwise": (conv.DepthwiseConv2D(3, depth_multiplier=2), 6 * 6 * 8 * 9),
        "separable": (
            conv.SeparableConv2D(6, 3, padding="same"),
            8 * 8 * 4 * 9 + 8 * 8 * 4 * 6,
        ),
        "transposed": (conv.Conv2DTranspose(6, 3, strides=2, padding="same"), 8 * 8 * 4 * 9 * 6),
        "dense": (conv.Dense(6), 8 * 8 * 4 * 6),
        "einsum": (conv.EinsumDense("bhwc,cd->bhwd", (8, 8, 6)), 8 * 8 * 4 * 6),
        "pooling": (conv.MaxPooling2D(), 0),
    }


@pytest.mark.parametrize("name", layer_cases())
def test_each_layer_is_counted_alike_everywhere(name, tmp_path):
    layer, expected = layer_cases()[name]
    image = keras.Input((8, 8, 4))
    x = keras.layers.GlobalAveragePooling2D()(layer(image))
    model = keras.Model(image, keras.layers.Dense(2)(x))
    expected += 2 * x.shape[-1]
    for kind in (model, *export.write(model, tmp_path).values()):
        measured = complexity.measure_complexity(kind)
        assert (measured.multiply_adds, measured.uncounted) == (expected, ()), kind


def test_models_inside_and_shared_layers_are_counted_at_each_call():
    image = keras.Input((8, 8, 4))
    inner_input = keras.Input((8, 8, 4))
    shared = keras.layers.Conv2D(4, 1, use_bias=False)
    inner = keras.Model(inner_input, shared(inner_input))
    x = keras.layers.GlobalAveragePooling2D()(shared(inner(image)))
    measured = complexity.measure_complexity(keras.Model(image, keras.layers.Dense(2)(x)))
    assert measured.parameters == 16 + 8 + 2
    assert measured.multiply_adds == 2 * 8 * 8 * 16 + 8


def test_a_convolution_in_groups_is_counted_or_named(tmp_path):
    image = keras.Input((8, 8, 4))
    grouped = keras.layers.Conv2D(6, 3, groups=2, padding="same")
    x = keras.layers.GlobalAveragePooling2D()(grouped(image))
    model = keras.Model(image, keras.layers.Dense(2)(x))
    paths = export.write(model, tmp_path)
    for kind in (model, paths["tflite_float32"]):
        assert complexity.measure_complexity(kind).multiply_adds == 8 * 8 * 6 * 9 * 2 + 12
    # Keras gives it to XLA, behind which the shapes in a SavedModel are not known.
    assert complexity.measure_complexity(paths["saved_model"]).uncounted


def test_functions_inside_a_layer_are_counted():
    class Product(keras.layers.Layer):
        @tf.function
        def call(self, inputs):
            return tf.matmul(inputs, tf.ones((4, 3)))

    image = keras.Input((8, 8, 4))
    x = keras.layers.GlobalAveragePooling2D()(Product()(image))
    measured = complexity.measure_complexity(keras.Model(image, keras.layers.Dense(2)(x)))
    assert measured.multiply_adds == 8 * 8 * 4 * 3 + 6


def test_what_is_not_known_is_named():
    image = keras.Input((8, 8, 4))
    x = keras.layers.Lambda(lambda x: tf.linalg.svd(x, compute_uv=False))(image)
    x = keras.layers.Flatten()(x)
    measured = complexity.measure_complexity(keras.Model(image, keras.layers.Dense(2)(x)))
    assert measured.uncounted == ("Svd",)
    assert measured.multiply_adds == 8 * 4 * 2


def test_a_free_image_size_is_refused_unless_it_is_given(tmp_path):
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, padding="same")(image))
    model = keras.Model(image, keras.layers.Dense(2)(x), name="free")
    model.save(tmp_path / "model.keras")
    written = export.write(model, tmp_path).values()
    for kind in (model, tmp_path / "model.keras", *written):
        with pytest.raises(ValueError, match=r"Cannot count .* fixed image size\. .*None, None, 3"):
            complexity.measure_complexity(kind)
        measured = complexity.measure_complexity(kind, (6, 5, 3))
        assert (measured.multiply_adds, measured.uncounted) == (6 * 5 * 4 * 27 + 8, ()), kind


def test_a_model_with_a_size_of_its_own_keeps_it(network):
    assert complexity.measure_complexity(network, (64, 64, 3)).multiply_adds == MULTIPLY_ADDS


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No model at"):
        complexity.measure_complexity(tmp_path / "nothing.tflite")


def test_the_student_of_the_paper_has_the_size_of_the_paper():
    student = models.get("wide_resnet", image_shape=(32, 32, 3), num_classes=100, depth=10, width=4)
    measured = complexity.measure_complexity(student)
    assert measured.parameters == 1_221_940  # table 5: 1.22 million
    assert measured.multiply_adds == 166_142_976
