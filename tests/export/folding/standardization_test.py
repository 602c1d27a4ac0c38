"""What becomes of a network's standardisation of its images."""

import keras
import numpy as np
import pytest

from kd_keras import export
from kd_keras.export import folding

SHAPE = (8, 8, 3)


class Own(keras.layers.Layer):
    """A layer that Keras knows by its call alone."""

    def build(self, shape):
        self.slope = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, inputs):
        return keras.ops.einsum("bhwc,c->bhwc", inputs, self.slope)


def convolution(x):
    return keras.layers.Conv2D(4, 3, activation="relu")(x)


def classifier(image, x):
    return keras.Model(image, keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(x)))


def names(model):
    return [type(operation).__name__ for operation in model.operations]


def pixels(count=6):
    return np.random.default_rng(0).integers(0, 256, (count, *SHAPE), dtype=np.uint8)


def assert_equal(model, folded):
    expected = model(pixels(), training=False).numpy()
    received = folded(pixels().astype(np.float32), training=False)
    np.testing.assert_allclose(received, expected, atol=2e-6 * np.abs(expected).max() + 1e-6)


@pytest.mark.parametrize(
    ("scale", "offset", "added"),
    [
        (1 / 127.5, -1.0, 1),
        (1 / 255, 0.0, 0),
        ([0.5, 2.0, 3.0], [1.0, 0.0, -2.0], 1),
    ],
)
def test_a_rescaling_becomes_a_sum_at_most(scale, offset, added):
    image = keras.Input(SHAPE)
    x = convolution(keras.layers.Rescaling(scale, offset)(image))
    model = classifier(image, x)
    folded = folding.fold(model)
    assert_equal(model, folded)
    assert "Rescaling" not in names(folded)
    assert names(folded).count("Add") == added
    assert names(folded).count("Multiply") == 0


@pytest.mark.parametrize("scale", [-1.0, 0.0])
def test_a_rescaling_that_turns_or_ends_the_image_stays(scale):
    image = keras.Input(SHAPE)
    model = classifier(image, convolution(keras.layers.Rescaling(scale, 1.0)(image)))
    folded = folding.fold(model)
    assert_equal(model, folded)
    assert names(folded).count("Rescaling") == 1


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 9.0, 16.0], invert=True),
        keras.layers.Normalization(
            axis=(1, 2, 3), mean=np.full(SHAPE, 9.0), variance=np.linspace(1, 9, 192).reshape(SHAPE)
        ),
        keras.layers.Normalization(axis=1, mean=np.arange(8.0), variance=np.arange(1.0, 9.0)),
        keras.layers.Rescaling(np.linspace(1, 2, 8).reshape(8, 1)),
    ],
    ids=["inverted", "per pixel", "per row", "by columns"],
)
def test_what_is_not_a_number_per_channel_stays(layer):
    image = keras.Input(SHAPE)
    model = classifier(image, convolution(layer(image)))
    folded = folding.fold(model)
    assert type(layer).__name__ in names(folded)
    assert_equal(model, folded)


def test_one_number_for_all_is_folded():
    image = keras.Input(SHAPE)
    layer = keras.layers.Normalization(axis=None, mean=120.0, variance=3600.0)
    model = classifier(image, convolution(layer(image)))
    folded = folding.fold(model)
    assert names(folded)[:3] == ["InputLayer", "Add", "Conv2D"]
    assert_equal(model, folded)


@pytest.mark.parametrize("offset", [0.0, -1.0])
def test_it_stays_where_no_kernel_takes_its_scale(offset, tmp_path):
    image = keras.Input(SHAPE)
    model = classifier(image, convolution(Own()(keras.layers.Rescaling(1 / 255, offset)(image))))
    folded = folding.fold(model)
    assert names(folded)[:3] == ["InputLayer", "Rescaling", "Own"]
    assert_equal(model, folded)
    path = export.write(model, tmp_path, ["tflite_float32"])["tflite_float32"]
    np.testing.assert_allclose(
        export.load_predictor(path).predict(pixels()), model(pixels()), atol=1e-5
    )


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Rescaling(1 / 127.5, offset=-1),
        keras.layers.Normalization(mean=[120.0, 118.0, 110.0], variance=[3600.0] * 3),
    ],
    ids=["scale", "scale and offset", "Normalization"],
)
def test_images_of_whole_numbers_are_written_in_every_format(layer, tmp_path):
    image = keras.Input(SHAPE, dtype="uint8")
    model = classifier(image, convolution(layer(image)))
    folded = folding.fold(model)
    assert folded.inputs[0].dtype == "float32"
    assert type(layer).__name__ not in names(folded)
    assert_equal(model, folded)
    formats = ["saved_model", "tflite_float32", "tflite_int8"]
    paths = export.write(model, tmp_path, formats, representative_images=pixels(20))
    expected = model(pixels()).numpy()
    for name, path in paths.items():
        received = export.load_predictor(path).predict(pixels())
        tolerance = 0.05 * np.ptp(expected) if name == "tflite_int8" else 1e-5
        np.testing.assert_allclose(received, expected, atol=tolerance)


@pytest.mark.parametrize(
    "read",
    [keras.layers.Cropping2D(1), lambda image: image + 100, lambda image: image / 255.0],
    ids=["passed on", "beyond 255", "divided"],
)
def test_what_computes_in_whole_numbers_still_does(read):
    image = keras.Input(SHAPE, dtype="uint8")
    model = classifier(image, convolution(keras.layers.Rescaling(1 / 255)(read(image))))
    folded = folding.fold(model)
    assert folded.inputs[0].dtype == "float32"
    assert_equal(model, folded)


def test_no_name_is_given_twice():
    image = keras.Input(SHAPE)
    x = convolution(keras.layers.Rescaling(1 / 127.5, offset=-1)(image))
    # Keras counts on from here, as it does in the process that reads a network's file.
    following = (x + 1.0)._keras_history.operation.name
    number = int(following.rpartition("_")[2]) if "_" in following else 0
    x = keras.layers.Identity(name=f"add_{number + 1}")(x)
    model = classifier(image, keras.layers.Identity(name=f"add_{number + 2}")(x))
    assert_equal(model, folding.fold(model))
