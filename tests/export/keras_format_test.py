import json
import zipfile

import keras
import numpy as np
import pytest

from kd_keras import export
from kd_keras.export import keras_format


def test_keras_loads_it_and_it_can_be_trained_on(exported, trained, images):
    model = keras.models.load_model(exported["keras"], safe_mode=True)
    batch = images.astype(np.float32)
    np.testing.assert_array_equal(model(batch), trained(batch))
    assert len(model.trainable_variables) == len(trained.trainable_variables)


def test_metadata_is_in_the_archive(exported, class_names):
    with zipfile.ZipFile(exported["keras"]) as archive:
        assert json.loads(archive.read("about.json"))["licence"] == "CC0-1.0"
        assert archive.testzip() is None
    assert export.load_predictor(exported["keras"]).class_names == class_names


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_and_softmax_do_not_go_into_the_file(make_network, images, tmp_path, policy):
    model = make_network(policy=policy, activation="softmax")
    path = keras_format.write_keras(model, tmp_path / "v1.2")
    assert path.name == "v1.2.keras"
    loaded = keras.models.load_model(path)
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}
    batch = images.astype(np.float32)
    np.testing.assert_allclose(loaded(batch), make_network()(batch), atol=1e-5)


def test_without_preprocessing_it_takes_standardized_images(
    network, images, standardized, tmp_path
):
    path = keras_format.write_keras(network, tmp_path / "model", include_preprocessing=False)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(loaded(standardized), network(images.astype(np.float32)), atol=1e-4)
