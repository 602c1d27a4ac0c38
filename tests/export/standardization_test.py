import types

import keras
import numpy as np
import pytest

from kd_keras import export
from kd_keras.export import standardization


def model_with(layer):
    image = keras.Input((2, 2, 3))
    return keras.Model(image, layer(image), name="network")


@pytest.mark.parametrize(
    ("layer", "mean", "deviation"),
    [
        (
            keras.layers.Normalization(
                mean=[1.0, 2.0, 3.0], variance=[4.0, 9.0, 16.0], name="standardization"
            ),
            [1.0, 2.0, 3.0],
            [2.0, 3.0, 4.0],
        ),
        (
            keras.layers.Rescaling(0.5, offset=-1.0, name="standardization"),
            [2.0, 2.0, 2.0],
            [2.0, 2.0, 2.0],
        ),
    ],
    ids=["Normalization", "Rescaling"],
)
def test_the_numbers_are_those_of_the_layer(layer, mean, deviation):
    model = model_with(layer)
    numbers = export.describe_standardization(model)
    np.testing.assert_allclose(numbers["mean"], mean)
    np.testing.assert_allclose(numbers["standard_deviation"], deviation)
    images = np.random.default_rng(0).integers(0, 256, (2, 2, 2, 3), dtype=np.uint8)
    predictor = types.SimpleNamespace(
        includes_preprocessing=False, record={"metadata": {"standardization": numbers}}
    )
    given = export.standardize(images, predictor)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, model(images.astype(np.float32)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.ReLU(name="standardization"),
        keras.layers.Rescaling(0.0, name="standardization"),
        keras.layers.Normalization(
            axis=(1, 2), mean=np.zeros((2, 2)), variance=np.ones((2, 2)), name="standardization"
        ),
    ],
    ids=["another layer", "nothing is left", "per pixel"],
)
def test_what_has_no_number_for_each_channel_is_refused(layer):
    with pytest.raises(ValueError, match="Cannot tell by which numbers network") as caught:
        export.describe_standardization(model_with(layer))
    assert str(caught.value).endswith(
        f"for each of 3 channels. Received: {type(layer).__name__}. Leave it in the file: "
        "--include_preprocessing."
    )


def test_a_file_with_preprocessing_is_given_the_pixels():
    images = np.zeros((1, 2, 2, 3), np.uint8)
    predictor = types.SimpleNamespace(includes_preprocessing=True)
    assert standardization.standardize(images, predictor) is images


def test_a_file_of_which_the_numbers_are_not_known_is_refused():
    predictor = types.SimpleNamespace(path="a.tflite", includes_preprocessing=False, record={})
    with pytest.raises(ValueError, match=r"a\.tflite takes standardised images\. .* none\. Export"):
        standardization.standardize(np.zeros((1, 2, 2, 3), np.uint8), predictor)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 9.0, 16.0], invert=True),
        keras.layers.Normalization(axis=1, mean=[1.0, 2.0], variance=[4.0, 9.0]),
        keras.layers.Normalization(axis=(2, 3), mean=np.zeros((2, 3)), variance=np.ones((2, 3))),
        keras.layers.Rescaling(np.ones((2, 1))),
    ],
    ids=["inverted", "per row", "per column", "by rows"],
)
def test_there_is_no_line_where_there_are_not_numbers_per_channel(layer):
    model_with(layer)
    assert standardization.find_line(layer) is None
