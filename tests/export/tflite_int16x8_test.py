import numpy as np

from kd_keras import export
from kd_keras.export import interpreter

NAME = "tflite_int16x8"


def logits_of(model, images):
    return model(images.astype(np.float32)).numpy()


def test_input_and_output_are_int16(exported):
    opened = interpreter.open_interpreter(exported[NAME])
    [image], [logits] = opened.get_input_details(), opened.get_output_details()
    assert image["dtype"] == logits["dtype"] == np.int16
    assert export.load_predictor(exported[NAME]).precision == "int16x8"


def test_it_gives_nearly_the_logits_of_the_network(exported, trained, calibration):
    logits = logits_of(trained, calibration)
    received = export.load_predictor(exported[NAME]).predict(calibration)
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, logits, atol=0.04 * np.ptp(logits))
    assert np.corrcoef(received.ravel(), logits.ravel())[0, 1] > 0.99
