import numpy as np

from kd_keras import export
from kd_keras.export import interpreter

NAME = "tflite_uint8"


def logits_of(model, images):
    return model(images.astype(np.float32)).numpy()


def test_input_and_output_are_uint8(exported):
    opened = interpreter.open_interpreter(exported[NAME])
    [image], [logits] = opened.get_input_details(), opened.get_output_details()
    assert image["dtype"] == logits["dtype"] == np.uint8
    assert export.load_predictor(exported[NAME]).precision == "int8"


def test_it_gives_nearly_the_logits_of_the_network(exported, trained, calibration):
    logits = logits_of(trained, calibration)
    received = export.load_predictor(exported[NAME]).predict(calibration)
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, logits, atol=0.06 * np.ptp(logits))
    assert np.corrcoef(received.ravel(), logits.ravel())[0, 1] > 0.99


def test_it_takes_the_bytes_of_a_picture(exported, images):
    opened = interpreter.open_interpreter(exported[NAME])
    assert opened.get_input_details()[0]["quantization"] == (1.0, 0)
    serve = opened.get_signature_runner("serving_default")
    scale, zero = opened.get_output_details()[0]["quantization"]
    raw = serve(image=images)["logits"]
    np.testing.assert_allclose(
        scale * (raw.astype(np.float32) - zero),
        export.load_predictor(exported[NAME]).predict(images),
        atol=1e-5,
    )
