import numpy as np

from kd_keras import export
from kd_keras.export import interpreter

NAME = "tflite_float16"


def logits_of(model, images):
    return model(images.astype(np.float32)).numpy()


def test_it_gives_nearly_the_logits_of_the_network(exported, trained, images):
    predictor = export.load_predictor(exported[NAME])
    assert predictor.precision == "float16 weights"
    logits = logits_of(trained, images)
    difference = np.abs(predictor.predict(images) - logits).max()
    # Eleven bits of each weight are left.
    assert 0 < difference < 0.01 * np.ptp(logits)


def test_its_weights_take_half(exported):
    saved = exported["tflite_float32"].stat().st_size - exported[NAME].stat().st_size
    operations = interpreter.list_operations(interpreter.open_interpreter(exported[NAME]))
    halves = [o for o in operations if o.name == "DEQUANTIZE"]
    numbers = sum(int(np.prod(o.inputs[0].shape)) for o in halves)
    assert {o.inputs[0].dtype for o in halves} == {"float16"}
    # Two bytes of each number, but for what the operations that widen them take.
    assert 2 * numbers - 200 * len(halves) < saved < 2 * numbers
