import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import export
from kd_keras.export import contents, interpreter, tflite_conversion, tflite_float32, tflite_int8

QUANTIZED = ("tflite_int8", "tflite_uint8", "tflite_int16x8")
EVERY = ("tflite_float32", "tflite_float16", "tflite_dynamic_int8", *QUANTIZED)


def test_metadata_and_labels_are_in_every_file(exported, class_names):
    for name in EVERY:
        text = contents.read_from_archive(exported[name], "about.json")
        assert json.loads(text) == {
            "class_names": list(class_names),
            "input": "pixels from 0 to 255",
            "licence": "CC0-1.0",
            "fingerprint": {"weights": "12ab"},
        }
        assert export.load_predictor(exported[name]).class_names == class_names


def test_no_file_has_foreign_operations_or_dropout(exported, operations_of):
    for name in EVERY:
        kinds = set(operations_of(exported[name]))
        assert kinds <= {
            *("ADD", "CONV_2D", "DEQUANTIZE", "FULLY_CONNECTED", "MEAN", "QUANTIZE", "RELU")
        }, name
        assert ("DEQUANTIZE" in kinds) == (name == "tflite_float16")


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_file_in_whole_numbers_has_no_float_in_it(name, exported):
    opened = interpreter.open_interpreter(exported[name], fused=False)
    for operation in interpreter.list_operations(opened):
        for tensor in filter(None, (*operation.inputs, *operation.outputs)):
            assert np.issubdtype(tensor.dtype, np.integer), operation.name
    assert tflite_conversion.require_whole_numbers(exported[name]) == exported[name]


def test_a_float_in_a_file_of_whole_numbers_is_refused(exported):
    with pytest.raises(ValueError, match=r"Received: ADD, CONV_2D, .* in floating point\."):
        tflite_conversion.require_whole_numbers(exported["tflite_dynamic_int8"])


def test_an_operation_without_whole_numbers_is_refused(calibration, tmp_path):
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    x = keras.ops.erf(x)
    model = keras.Model(image, keras.layers.Dense(5)(x), name="strange")
    with pytest.raises(ValueError, match=r"Cannot write .* Expected .* Received: .*\."):
        tflite_int8.write_tflite_int8(model, tmp_path / "model", representative_images=calibration)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (None, r"Cannot quantise network without images\. .* Received: none\."),
        (np.zeros((0, 8, 8, 3)), r"Cannot quantise network without images\."),
        (np.zeros((3, 9, 9, 3)), r"disagree on the image shape\. .* images \(9, 9, 3\)\."),
    ],
)
def test_images_that_do_not_do_are_refused(network, images, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        tflite_int8.write_tflite_int8(network, tmp_path / "model", representative_images=images)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_of_its_own_is_kept(network, images, calibration, tmp_path):
    path = tflite_float32.write_tflite_float32(network, tmp_path / "model", batch_size=1)
    predictor = export.load_predictor(path)
    assert predictor.image_shape == (1, 8, 8, 3)
    np.testing.assert_allclose(
        predictor.predict(images), network(images.astype(np.float32)), atol=1e-5
    )
    path = tflite_int8.write_tflite_int8(
        network, tmp_path / "three", batch_size=3, representative_images=calibration[:7]
    )
    assert export.load_predictor(path).predict(images).shape == (7, 5)


def test_ranges_are_learnt_from_standardized_images_where_the_file_takes_them(
    network, images, standardized, calibration, tmp_path
):
    path = tflite_int8.write_tflite_int8(
        network,
        tmp_path / "model",
        include_preprocessing=False,
        representative_images=calibration,
    )
    logits = network(images.astype(np.float32)).numpy()
    received = export.load_predictor(path).predict(standardized)
    np.testing.assert_allclose(received, logits, atol=0.1 * np.ptp(logits))


def test_quantizing_sets_both_ends():
    converter = tf.lite.TFLiteConverter([])
    tflite_conversion.quantize_to(tf.uint8, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)(converter, list)
    assert converter.inference_input_type == converter.inference_output_type == tf.uint8
    assert converter.target_spec.supported_ops == [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
