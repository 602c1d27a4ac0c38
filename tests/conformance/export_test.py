"""Every network in every format: it is written, it loads, and it gives the same logits."""

import keras
import numpy as np
import pytest

from kd_keras import export, models
from tests.conformance import smallest

NETWORKS = models.names()
# Those with operations of their own; the others take minutes together.
QUICK = {"wide_resnet"}
SLOWLY = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in NETWORKS]
FLOATS = ("keras", "saved_model", "tflite_float32")
# A part of the logits' range: what is lost with the bits of weights and activations.
LOSSES = {
    "keras_float16": 0.005,
    "tflite_float16": 0.005,
    "tflite_dynamic_int8": 0.05,
    "tflite_int8": 0.15,
    "tflite_uint8": 0.15,
    "tflite_int16x8": 0.1,
}


def make(network):
    return smallest.make(
        network,
        num_classes=5,
        mean=[120.0, 118.0, 110.0],
        standard_deviation=[60.0, 61.0, 62.0],
    )


def make_images(count):
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def check(model, path, loss):
    images = make_images(6)
    reference = models.to_float32(model)(images.astype(np.float32)).numpy()
    predictor = export.load_predictor(path)
    assert (predictor.input_shape, predictor.num_classes) == ((8, 8, 3), 5)
    tolerance = max(1e-4, loss * np.ptp(reference))
    np.testing.assert_allclose(predictor.predict(images), reference, atol=tolerance)


@pytest.mark.parametrize("network", SLOWLY)
def test_every_file_gives_the_logits_of_the_network(network, tmp_path):
    model = make(network)
    paths = export.write(model, tmp_path, export.available(), representative_images=make_images(20))
    assert set(paths) >= {*FLOATS, *LOSSES}
    for name, path in paths.items():
        check(model, path, LOSSES.get(name, 0.0))


@pytest.mark.parametrize("network", SLOWLY)
def test_a_network_of_half_precision_gives_files_in_float32(network, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = make(network)
    for path in export.write(model, tmp_path, FLOATS).values():
        check(model, path, 0.0)


def test_there_is_something_to_test():
    assert NETWORKS
    assert {*FLOATS, *LOSSES, "onnx"} == set(export.names())
