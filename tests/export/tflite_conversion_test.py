import json

import keras
import numpy as np
import pytest

from kd_keras import export, models
from kd_keras.export import (
    contents,
    interpreter,
    tflite_conversion,
    tflite_float32,
    tflite_int8,
    tflite_int16x8,
)

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


def test_operations_that_the_quantiser_does_not_have_are_named(calibration, tmp_path, capfd):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Activation("hard_silu")(keras.layers.Conv2D(4, 3)(image))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ELU()(x))
    model = keras.Model(image, keras.layers.Dense(5)(x), name="strange")
    with pytest.raises(ValueError, match="quantiser") as caught:
        tflite_int16x8.write_tflite_int16x8(
            model, tmp_path / "own", representative_images=calibration
        )
    assert str(caught.value) == (
        "Cannot write own.tflite in whole numbers alone. Expected operations that the quantiser "
        "has in this format. Received: ELU, HARD_SWISH. Use another layer there, or the format "
        "tflite_dynamic_int8."
    )
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_another_error_of_the_quantiser_is_a_sentence_too(
    network, calibration, tmp_path, monkeypatch
):
    def fail(*arguments):
        raise RuntimeError("It is out of sorts.\nAnd more.")

    monkeypatch.setattr(tflite_conversion, "_convert", fail)
    with pytest.raises(ValueError, match=r"^Cannot write a\.tflite .* It is out of sorts\.$"):
        tflite_int8.write_tflite_int8(network, tmp_path / "a", representative_images=calibration)


@pytest.mark.parametrize("sides", [(None, None), (8, None)])
@pytest.mark.parametrize("name", QUANTIZED)
def test_a_network_of_any_image_size_takes_that_of_the_images(name, sides, calibration, tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input((*sides, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(image)
    x = keras.layers.ReLU(name="relu")(keras.layers.Conv2D(4, 3, name="stem")(x))
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    model = keras.Model(image, keras.layers.Dense(5, name="logits")(x), name="free")
    path = export.write(model, tmp_path, [name], representative_images=calibration)[name]
    predictor = export.load_predictor(path)
    assert predictor.input_shape == (8, 8, 3)
    predictor.check(model.input_shape[1:], 5)
    logits = model(calibration.astype(np.float32)).numpy()
    np.testing.assert_allclose(predictor.predict(calibration), logits, atol=0.1 * np.ptp(logits))
    assert model.input_shape[1:] == (*sides, 3)


def test_sides_that_are_fixed_have_to_be_those_of_the_images(calibration, tmp_path):
    image = keras.Input((9, None, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D()(image)
    model = keras.Model(image, keras.layers.Dense(5)(x))
    with pytest.raises(ValueError, match=r"Received: model \(9, 8, 3\), images \(8, 8, 3\)\."):
        tflite_int8.write_tflite_int8(model, tmp_path / "a", representative_images=calibration)


def test_a_network_of_any_image_size_keeps_the_ranges_that_it_learnt(calibration, tmp_path):
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.ReLU(name="relu")(keras.layers.Conv2D(4, 3, name="stem")(image))
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    model = keras.Model(image, keras.layers.Dense(5, name="logits")(x), name="free")
    quantized = models.with_fake_quantization(export.fold(model))
    quantized(calibration.astype(np.float32), training=True)
    quantized.get_layer("logits_range").low.assign(-2000.0)  # no images would give this
    path = export.write(
        models.to_plain(quantized),
        tmp_path,
        ["tflite_int8"],
        activation_ranges=models.learned_ranges(quantized),
        representative_images=calibration,
    )["tflite_int8"]
    [logits] = interpreter.open_interpreter(path).get_output_details()
    low, high = models.learned_ranges(quantized)["logits"]
    assert logits["quantization"][0] == pytest.approx((high - low) / 255, rel=1e-5)


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


def _weights(path):
    details = interpreter.open_interpreter(path, fused=False).get_tensor_details()
    return [
        tensor
        for tensor in details
        if tensor["dtype"] == np.int8
        and len(tensor["shape"]) > 1
        and tensor["quantization_parameters"]["scales"].size > 1
    ]


@pytest.mark.parametrize("name", ["tflite_int8", "tflite_uint8"])
def test_ranges_that_were_learnt_are_those_of_the_file(name, network, calibration, tmp_path):
    quantized = models.with_fake_quantization(export.fold(network))
    quantized(calibration.astype(np.float32), training=True)
    # No images would give these.
    quantized.get_layer("pooled_range").high.assign(4.0)
    quantized.get_layer("logits_range").low.assign(-20.0)
    plain, ranges = models.to_plain(quantized), models.learned_ranges(quantized)
    path = export.write(plain, tmp_path, [name], activation_ranges=ranges)[name]
    predictor = export.load_predictor(path)
    assert predictor.precision == "int8"
    [logits] = interpreter.open_interpreter(path).get_output_details()
    low, high = ranges["logits"]
    assert logits["quantization"][0] == pytest.approx((high - low) / 255, rel=1e-5)
    [image] = interpreter.open_interpreter(path).get_input_details()
    assert image["quantization"] == (1.0, -128 if name == "tflite_int8" else 0)
    scales = {len(x["quantization_parameters"]["scales"]) for x in _weights(path)}
    assert scales == {4, 5, 8}  # one for each output channel
    expected = quantized(calibration.astype(np.float32)).numpy()
    difference = np.abs(predictor.predict(calibration) - expected)
    assert difference.max() <= 3.5 * logits["quantization"][0]


def test_ranges_of_8_bits_are_not_used_for_16(network, calibration, tmp_path):
    path = export.write(
        network,
        tmp_path,
        ["tflite_int16x8"],
        activation_ranges={"image": (0.0, 1.0)},
        representative_images=calibration,
    )["tflite_int16x8"]
    logits = network(calibration.astype(np.float32)).numpy()
    received = export.load_predictor(path).predict(calibration)
    np.testing.assert_allclose(received, logits, atol=0.05 * np.ptp(logits))


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
