import numpy as np

from kd_keras import export
from kd_keras.export import interpreter

NAME = "tflite_int8"


def logits_of(model, images):
    return model(images.astype(np.float32)).numpy()


def test_input_and_output_are_int8(exported):
    opened = interpreter.open_interpreter(exported[NAME])
    [image], [logits] = opened.get_input_details(), opened.get_output_details()
    assert image["dtype"] == logits["dtype"] == np.int8
    assert export.load_predictor(exported[NAME]).precision == "int8"


def test_it_gives_nearly_the_logits_of_the_network(exported, trained, calibration):
    logits = logits_of(trained, calibration)
    received = export.load_predictor(exported[NAME]).predict(calibration)
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, logits, atol=0.06 * np.ptp(logits))
    assert np.corrcoef(received.ravel(), logits.ravel())[0, 1] > 0.99


def test_the_input_is_the_pixel_less_128(exported):
    [image] = interpreter.open_interpreter(exported[NAME]).get_input_details()
    assert image["quantization"] == (1.0, -128)


def test_the_same_images_give_the_same_file(exported, trained, calibration, class_names, tmp_path):
    again = export.write(
        trained,
        tmp_path,
        [NAME],
        class_names=class_names,
        representative_images=calibration,
        metadata={"licence": "CC0-1.0", "fingerprint": {"weights": "12ab"}},
    )
    assert again[NAME].read_bytes() == exported[NAME].read_bytes()
