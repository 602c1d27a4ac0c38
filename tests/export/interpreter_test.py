import numpy as np
import pytest
import tensorflow as tf

from kd_keras.export import interpreter, tflite, tflite_float32


@pytest.fixture
def path(network, tmp_path):
    return tflite_float32.write_tflite_float32(network, tmp_path / "model")


def test_operations_are_those_of_the_file(path, network):
    operations = interpreter.list_operations(interpreter.open_interpreter(path, fused=False))
    convolutions = [o for o in operations if o.name == "CONV_2D"]
    kernels = sorted(o.inputs[1].shape for o in convolutions)
    assert kernels == [(4, 3, 3, 3), (8, 1, 1, 4), (8, 3, 3, 4), (8, 3, 3, 8)]
    assert all(o.inputs[1].is_weight and not o.inputs[0].is_weight for o in convolutions)
    assert {len(o.outputs) for o in operations} == {1}
    [mean] = [o for o in operations if o.name == "MEAN"]
    assert not mean.inputs[1].is_weight  # which axes to take it over


def test_endpoint_takes_any_batch(path, network, images):
    opened = interpreter.open_interpreter(path)
    interpreter.allocate(opened, path)
    endpoint = interpreter.find_endpoint(opened, path)
    for count in (1, 5, 2):
        batch = images[:count].astype(np.float32)
        np.testing.assert_allclose(
            endpoint.run({"image": batch})["logits"], network(batch), atol=1e-5
        )


def test_tensorflows_own_interpreter_does_as_well(path, network, images, monkeypatch, capfd):
    monkeypatch.setattr(interpreter, "Interpreter", tf.lite.Interpreter)
    monkeypatch.setattr(interpreter, "OpResolverType", tf.lite.experimental.OpResolverType)
    predictor = tflite.read_tflite(path)
    logits = network(images.astype(np.float32))
    np.testing.assert_allclose(predictor.predict(images), logits, atol=1e-5)
    assert capfd.readouterr().err == ""


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"no model at all")
    with pytest.raises(ValueError, match=r"Cannot read the model at .*model\.tflite\."):
        interpreter.open_interpreter(path)


def test_the_number_of_threads_is_passed_on(path, monkeypatch):
    received = {}

    def record(**arguments):
        received.update(arguments)

    monkeypatch.setattr(interpreter, "Interpreter", record)
    interpreter.open_interpreter(path, num_threads=3)
    assert received["num_threads"] == 3
