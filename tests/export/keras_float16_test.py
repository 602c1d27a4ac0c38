import zipfile

import keras
import numpy as np
import pytest

from kd_keras import export
from kd_keras.export import keras_float16

NAME = "keras_float16"


def test_keras_alone_loads_it_as_float32(exported, trained):
    model = keras.models.load_model(exported[NAME], safe_mode=True)
    assert {weight.dtype for weight in model.weights} == {"float32"}
    for loaded, weight in zip(model.weights, trained.weights, strict=True):
        expected = weight.numpy()
        if expected.ndim > 1:
            expected = expected.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(loaded.numpy(), expected)


def test_it_gives_nearly_the_logits_of_the_network(exported, trained, images):
    predictor = export.load_predictor(exported[NAME])
    assert predictor.precision == "float16 weights"
    logits = trained(images.astype(np.float32)).numpy()
    difference = np.abs(predictor.predict(images) - logits).max()
    assert 0 < difference < 0.01 * np.ptp(logits)


def test_its_kernels_take_half(exported, trained):
    sizes = []
    for name in ("keras", NAME):
        with zipfile.ZipFile(exported[name]) as archive:
            assert archive.testzip() is None
            sizes.append(archive.getinfo(keras_float16.WEIGHTS_NAME).file_size)
    kernels = sum(weight.numpy().size for weight in trained.weights if weight.numpy().ndim > 1)
    # HDF5's own tables do not shrink, and a file of small arrays is padded.
    assert sizes[0] - sizes[1] == pytest.approx(2 * kernels, rel=0.25)


def test_it_keeps_what_is_known_of_the_model(exported, class_names):
    with zipfile.ZipFile(exported[NAME]) as archive:
        assert b"CC0-1.0" in archive.read("about.json")
    assert export.load_predictor(exported[NAME]).class_names == class_names


def test_a_kernel_beyond_float16_stays_as_it_is(network, images, tmp_path):
    kernel = network.get_layer("stem").kernel
    kernel.assign(keras.ops.full(kernel.shape, 1e5))
    path = keras_float16.write_keras_float16(network, tmp_path / "large")
    loaded = keras.models.load_model(path).get_layer("stem").kernel
    np.testing.assert_array_equal(loaded.numpy(), kernel.numpy())
