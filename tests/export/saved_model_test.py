import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.export import saved_model


def serve(directory, images):
    loaded = tf.saved_model.load(str(directory))
    outputs = loaded.signatures["serving_default"](image=tf.constant(images, tf.float32))
    return {name: output.numpy() for name, output in outputs.items()}


def test_the_signature_is_named_and_gives_the_logits_of_the_model(network, images, tmp_path):
    directory = saved_model.write_saved_model(network, tmp_path / "model")
    assert directory == tmp_path / "model"
    outputs = serve(directory, images)
    logits = network(images.astype(np.float32)).numpy()
    assert sorted(outputs) == ["logits", "probabilities"]
    np.testing.assert_allclose(outputs["logits"], logits, atol=1e-6)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs["probabilities"], probabilities, rtol=1e-5)
    assert {output.dtype for output in outputs.values()} == {np.dtype(np.float32)}


def test_the_batch_is_free_and_the_input_is_float32(network, tmp_path):
    directory = saved_model.write_saved_model(network, tmp_path)
    signature = tf.saved_model.load(str(directory)).signatures["serving_default"]
    assert signature.structured_input_signature[1]["image"] == tf.TensorSpec(
        (None, 8, 8, 3), tf.float32, name="image"
    )


def test_class_names_are_inside(network, class_names, tmp_path):
    saved_model.write_saved_model(network, tmp_path, class_names=class_names)
    signature = tf.saved_model.load(str(tmp_path)).signatures["class_names"]
    names = signature()["class_names"].numpy()
    assert tuple(name.decode() for name in names) == class_names


def test_a_model_of_mixed_precision_is_written_in_float32(make_network, images, tmp_path):
    mixed = make_network(policy="mixed_bfloat16")
    saved_model.write_saved_model(mixed, tmp_path)
    logits = make_network()(images.astype(np.float32))
    np.testing.assert_allclose(serve(tmp_path, images)["logits"], logits, atol=1e-6)


def test_without_preprocessing_it_takes_standardized_images(
    network, images, standardized, tmp_path
):
    saved_model.write_saved_model(network, tmp_path, include_preprocessing=False)
    logits = network(images.astype(np.float32))
    np.testing.assert_allclose(serve(tmp_path, standardized)["logits"], logits, atol=1e-4)


def test_only_the_model_is_inside_and_once(network, tmp_path):
    other = keras.Model(network.inputs, keras.layers.Dense(100)(network.outputs[0]))
    other.compile("adam", "mse")
    other.optimizer.build(other.trainable_variables)
    saved_model.write_saved_model(network, tmp_path)
    variables = tf.train.list_variables(str(tmp_path / "variables" / "variables"))
    shapes = [tuple(shape) for name, shape in variables if not name.startswith("_CHECKPOINTABLE")]
    assert sorted(shapes) == sorted(tuple(weight.shape) for weight in network.weights)


def test_a_model_on_whole_numbers_gets_whole_numbers(images, tmp_path):
    image = keras.Input((8, 8, 3), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 255)(image)
    model = keras.Model(image, keras.layers.Dense(5)(keras.layers.Flatten()(scaled)))
    saved_model.write_saved_model(model, tmp_path)
    np.testing.assert_allclose(serve(tmp_path, images)["logits"], model(images), atol=1e-6)


def test_load_signature_finds_the_only_one(tmp_path):
    module = tf.Module()
    function = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec((None, 2), name="x")])
    tf.saved_model.save(module, str(tmp_path), signatures={"double": function})
    _, signature = saved_model.load_signature(tmp_path)
    assert saved_model.only_input(signature, tmp_path)[0] == "x"


def test_load_signature_refuses_several_without_a_default(tmp_path):
    module = tf.Module()
    function = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec((None, 2), name="x")])
    signatures = {"double": function, "again": function}
    tf.saved_model.save(module, str(tmp_path), signatures=signatures)
    with pytest.raises(ValueError, match=r"No signature serving_default .* again, double\."):
        saved_model.load_signature(tmp_path)


def test_only_input_refuses_several(tmp_path):
    module = tf.Module()
    specification = tf.TensorSpec((None, 2))
    function = tf.function(lambda a, b: a + b, input_signature=[specification] * 2)
    tf.saved_model.save(module, str(tmp_path), signatures=function)
    _, signature = saved_model.load_signature(tmp_path)
    with pytest.raises(ValueError, match=r"Expected one input, the images, .* Received: a, b\."):
        saved_model.only_input(signature, tmp_path)


def test_standardized_images_are_served_beside_pixels(network, images, standardized, tmp_path):
    path = saved_model.write_saved_model(network, tmp_path / "model")
    signatures = tf.saved_model.load(str(path)).signatures
    assert sorted(signatures) == ["serving_default", "standardized"]
    pixels = signatures["serving_default"](image=tf.constant(images, tf.float32))
    same = signatures["standardized"](image=tf.constant(standardized))
    np.testing.assert_allclose(same["logits"], pixels["logits"], atol=1e-4)


def test_metadata_is_in_the_folder(network, class_names, tmp_path):
    path = saved_model.write_saved_model(
        network, tmp_path / "model", class_names=class_names, metadata={"licence": "CC0-1.0"}
    )
    metadata = json.loads((path / "assets.extra" / "about.json").read_text("utf-8"))
    assert metadata["class_names"] == list(class_names)
    assert metadata["licence"] == "CC0-1.0"


def test_a_batch_of_its_own_is_kept(network, images, tmp_path):
    path = saved_model.write_saved_model(network, tmp_path / "model", batch_size=1)
    predictor = saved_model.read_saved_model(path)
    assert predictor.image_shape == (1, 8, 8, 3)
    assert predictor.predict(images).shape == (7, 5)
