import json
import zipfile

import keras
import numpy as np
import pytest

from kd_keras.export import keras_file


@pytest.fixture
def path(network, tmp_path):
    network.save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def rewrite(path, name, content):
    """Write the archive again with one of its members changed, or left out."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    members[name] = content
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members.items():
            if data is not None:
                archive.writestr(member, data)


def test_load_keras_gives_the_model_uncompiled(path, network, images):
    network.compile("adam", "mse")
    loaded = keras_file.load_keras(path)
    assert not loaded.compiled
    batch = images.astype(np.float32)
    np.testing.assert_array_equal(loaded(batch), network(batch))


def test_code_in_a_file_is_refused_and_not_run(tmp_path):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(lambda x: 2 * x)(keras.layers.Flatten()(image))
    keras.Model(image, keras.layers.Dense(2)(x)).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"Refused the model at .* It has a Lambda layer"):
        keras_file.load_keras(tmp_path / "model.keras")


def test_an_unknown_layer_is_named(tmp_path):
    class Own(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    image = keras.Input((2,))
    keras.Model(image, Own()(image)).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"It has a layer Own, which is not known here\."):
        keras_file.load_keras(tmp_path / "model.keras")


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("config.json", None),
        ("config.json", b"{"),
        ("config.json", json.dumps({}).encode()),
        ("model.weights.h5", None),
        ("model.weights.h5", b"no weights"),
    ],
)
def test_an_incomplete_archive_is_refused(path, member, content):
    rewrite(path, member, content)
    with pytest.raises(ValueError, match=r"Cannot read the model at .*Write the file again\."):
        keras_file.load_keras(path)


def test_weights_that_do_not_match_their_checksum_are_refused(path):
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        weights = archive.getinfo("model.weights.h5")
    middle = weights.header_offset + weights.compress_size // 2
    content[middle] ^= 255
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"model\.weights\.h5 does not match its checksum"):
        keras_file.load_keras(path)


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No model at"):
        keras_file.load_keras(tmp_path / "model.keras")
    (tmp_path / "model.tflite").touch()
    with pytest.raises(ValueError, match=r"Expected a \.keras file\. Received: .*model\.tflite"):
        keras_file.load_keras(tmp_path / "model.tflite")


def test_a_model_without_a_graph_is_refused(tmp_path):
    @keras.saving.register_keras_serializable("test")
    class Subclassed(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    model = Subclassed()
    model(np.ones((1, 3)))
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"Cannot use the model at .* Received: Subclassed"):
        keras_file.read_keras_file(tmp_path / "model.keras")


@pytest.mark.parametrize("wrap", [lambda x: {"logits": x}, lambda x: [x]], ids=["dict", "list"])
@pytest.mark.parametrize("kind", [keras.Model, lambda i, o: keras.Model({"image": i}, o)])
def test_tensors_are_taken_out_of_what_they_are_in(wrap, kind, network, images, tmp_path):
    kind(network.inputs[0], wrap(network.outputs[0])).save(tmp_path / "model.keras")
    loaded = keras_file.load_keras(tmp_path / "model.keras")
    assert all(isinstance(end, keras.KerasTensor) for end in (loaded.input, loaded.output))
    predicted = keras_file.read_keras_file(tmp_path / "model.keras").predict(images)
    np.testing.assert_allclose(predicted, network(images.astype(np.float32)), atol=1e-5)
