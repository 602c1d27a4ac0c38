import importlib.util
import json

import keras
import numpy as np
import pytest

from kd_keras import export
from kd_keras.export import onnx

HAS_EXTRA = "onnx" in export.available()
needs_extra = pytest.mark.skipif(not HAS_EXTRA, reason="the extra onnx is not installed")


@needs_extra
def test_it_gives_the_logits_of_the_network(exported, trained, images, class_names):
    predictor = export.load_predictor(exported["onnx"])
    assert (predictor.kind, predictor.precision) == ("onnx", "float32")
    assert predictor.image_shape == (None, 8, 8, 3)
    assert predictor.class_names == class_names
    np.testing.assert_allclose(
        predictor.predict(images), trained(images.astype(np.float32)), atol=1e-5
    )


@needs_extra
def test_normalizations_are_folded_and_the_standardization_is_no_input(exported):
    operations = export.load_predictor(exported["onnx"]).operations
    assert operations["Conv"] == 4
    assert "BatchNormalization" not in operations
    assert operations.get("Mul", 0) == 0


@needs_extra
def test_its_metadata_is_in_the_file(exported):
    import onnx as format_of_onnx

    properties = {
        entry.key: entry.value for entry in format_of_onnx.load(exported["onnx"]).metadata_props
    }
    assert json.loads(properties["about.json"])["licence"] == "CC0-1.0"


@needs_extra
def test_a_batch_of_its_own_is_kept(network, images, tmp_path):
    predictor = export.load_predictor(onnx.write_onnx(network, tmp_path / "model", batch_size=2))
    assert predictor.image_shape == (2, 8, 8, 3)
    np.testing.assert_allclose(
        predictor.predict(images), network(images.astype(np.float32)), atol=1e-5
    )


@needs_extra
def test_a_constant_that_becomes_an_input_is_refused(tmp_path):
    image = keras.Input((8, 8, 3))
    statistics = keras.layers.Normalization(mean=[1.0] * 3, variance=[1.0] * 3, name="another")
    statistics_twice = statistics(statistics(image))  # a layer called twice is not folded
    x = keras.layers.GlobalAveragePooling2D()(statistics_twice)
    model = keras.Model(image, keras.layers.Dense(5)(x), name="strange")
    with pytest.raises(ValueError, match=r"Cannot write strange as ONNX\. Expected one input"):
        onnx.write_onnx(model, tmp_path / "model")


@needs_extra
def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"Cannot read the model at .*model\.onnx\."):
        export.load_predictor(path)


@pytest.mark.parametrize(("package", "purpose"), [("tf2onnx", "write"), ("onnxruntime", "run")])
def test_without_the_extra_it_is_told_how_to_install(
    package, purpose, network, tmp_path, monkeypatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find(name)
    )
    message = rf"Cannot {purpose} an ONNX file without {package}\. .*pip install 'kd_keras\[onnx\]'"
    (tmp_path / "model.onnx").touch()
    ask = {
        "write": lambda: onnx.write_onnx(network, tmp_path / "model"),
        "run": lambda: export.load_predictor(tmp_path / "model.onnx"),
    }
    with pytest.raises(ValueError, match=message):
        ask[purpose]()
    assert "onnx" not in export.available()


@needs_extra
def test_its_numbers_are_counted(exported, trained, tmp_path):
    measured = export.measure_complexity(exported["onnx"])
    kernels = sum(weight.size for weight in trained.get_weights() if weight.ndim > 1)
    # A bias of each convolution but the shortcut, where it is 0, one of the last layer, and the
    # three means.
    assert measured.parameters == kernels + (4 + 8 + 8) + 5 + 3
    assert measured.multiply_adds is None
    assert measured.size_bytes == exported["onnx"].stat().st_size
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"Cannot read the model at"):
        export.measure_complexity(tmp_path / "model.onnx")
