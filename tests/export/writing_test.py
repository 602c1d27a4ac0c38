import hashlib
import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import export
from kd_keras.export import writing


def read_record(directory):
    return json.loads((directory / "export.json").read_text("utf-8"))


def listing(directory):
    return sorted(path.name for path in directory.iterdir())


def contents(directory):
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory): path.read_bytes() for path in files}


def test_every_format_is_written_with_a_record(network, class_names, tmp_path):
    paths = writing.write(network, tmp_path / "deep" / "exports", class_names=class_names)
    directory = tmp_path / "deep" / "exports"
    assert paths == {
        "saved_model": directory / "saved_model",
        "tflite_float32": directory / "tflite_float32.tflite",
    }
    assert listing(directory) == ["export.json", "saved_model", "tflite_float32.tflite"]
    record = read_record(directory)
    assert record["class_names"] == list(class_names)
    assert record["metadata"] == {}
    assert record["include_preprocessing"] is True
    assert record["versions"]["tensorflow"] == tf.__version__
    assert record["versions"]["keras"] == keras.__version__
    sizes = {name: export.load_predictor(path).size_bytes for name, path in paths.items()}
    saved_model = {"file": "saved_model", "size_bytes": sizes["saved_model"]}
    assert record["formats"]["saved_model"] == saved_model
    content = paths["tflite_float32"].read_bytes()
    assert record["formats"]["tflite_float32"] == {
        "file": "tflite_float32.tflite",
        "size_bytes": sizes["tflite_float32"],
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_an_older_export_is_replaced_as_a_whole(network, make_network, images, tmp_path):
    writing.write(network, tmp_path)
    (tmp_path / "saved_model" / "stale").touch()
    (tmp_path / "notes.txt").write_text("mine")
    other = make_network(activation="softmax")
    other.layers[-1].bias.assign_add(np.arange(5.0))
    paths = writing.write(other, tmp_path, formats=["saved_model"])
    assert listing(tmp_path) == ["export.json", "notes.txt", "saved_model"]
    assert not (tmp_path / "saved_model" / "stale").exists()
    assert list(read_record(tmp_path)["formats"]) == ["saved_model"]
    received = export.load_predictor(paths["saved_model"]).predict(images)
    expected = network(images.astype(np.float32)) + np.arange(5.0)
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_an_error_leaves_an_older_export_as_it_was(network, tmp_path):
    writing.write(network, tmp_path)
    before = contents(tmp_path)
    layer = keras.layers.Lambda(lambda x: tf.linalg.svd(x, compute_uv=False))
    image = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(layer(image))
    with pytest.raises(ValueError, match=r"Received: Svd in layer"):
        writing.write(keras.Model(image, keras.layers.Dense(5)(x)), tmp_path)
    assert contents(tmp_path) == before
    assert listing(tmp_path) == ["export.json", "saved_model", "tflite_float32.tflite"]


def softened():
    """What no TensorFlow Lite file can hold, and a SavedModel can."""
    layer = keras.layers.Lambda(lambda x: tf.linalg.svd(x, compute_uv=False))
    image = keras.Input((8, 8, 3))
    return keras.Model(image, keras.layers.Dense(5)(keras.layers.Flatten()(layer(image))))


def test_formats_that_cannot_hold_the_model_are_left_out_where_that_is_asked_for(tmp_path):
    left_out = {}
    formats = ["tflite_float32", "saved_model"]
    paths = writing.write(softened(), tmp_path, formats, left_out=left_out)
    assert listing(tmp_path) == ["export.json", "saved_model"]
    assert list(paths) == ["saved_model"]
    assert list(left_out) == ["tflite_float32"]
    assert "Received: Svd in layer" in left_out["tflite_float32"]
    assert read_record(tmp_path)["left_out"] == left_out
    with pytest.raises(ValueError, match=r"Received: Svd in layer"):
        writing.write(softened(), tmp_path, ["tflite_float32"], left_out={})
    assert listing(tmp_path) == ["export.json", "saved_model"]


def test_nothing_left_out_is_not_in_the_record(network, tmp_path):
    writing.write(network, tmp_path, ["tflite_float32"], left_out={})
    assert "left_out" not in read_record(tmp_path)


def test_an_error_while_moving_leaves_an_older_export_as_it_was(network, tmp_path, monkeypatch):
    writing.write(network, tmp_path)
    before = contents(tmp_path)
    replace = os.replace

    def fail_at_the_record(source, target):
        new = source.parent.name.startswith(".writing-")
        if new and source.name == "export.json":
            raise PermissionError("no")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_at_the_record)
    with pytest.raises(PermissionError, match="no"):
        writing.write(network, tmp_path, formats=["saved_model"])
    assert contents(tmp_path) == before


def test_nothing_outside_the_folder_is_touched(network, tmp_path):
    directory = tmp_path / "exports"
    directory.mkdir()
    (tmp_path / "precious").touch()
    record = {"formats": {"saved_model": {"file": "../precious"}}}
    (directory / "export.json").write_text(json.dumps(record))
    writing.write(network, directory, formats=["saved_model"])
    assert (tmp_path / "precious").exists()


def test_preprocessing_is_left_out_of_every_format(network, images, standardized, tmp_path):
    paths = writing.write(network, tmp_path, include_preprocessing=False)
    assert read_record(tmp_path)["include_preprocessing"] is False
    for path in paths.values():
        received = export.load_predictor(path).predict(standardized)
        np.testing.assert_allclose(received, network(images.astype(np.float32)), atol=1e-4)


def test_an_unknown_format_is_refused_before_anything_is_written(network, tmp_path):
    with pytest.raises(ValueError, match=r"Unknown format\. .* Did you mean saved_model\?"):
        writing.write(network, tmp_path / "exports", formats=["tflite_float32", "saved_modle"])
    assert not (tmp_path / "exports").exists()


def test_every_option_reaches_every_format(exported):
    record = read_record(exported["keras"].parent)
    assert list(record["formats"]) == export.available()
    assert record["metadata"] == {"licence": "CC0-1.0", "fingerprint": {"weights": "12ab"}}


def test_an_unknown_option_is_refused(network, tmp_path):
    with pytest.raises(TypeError, match="labels"):
        writing.write(network, tmp_path, labels=("a", "b"))
    assert listing(tmp_path) == []
