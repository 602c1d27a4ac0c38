import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from kd_keras.export import saved_model, tflite, tflite_float32


class Digamma(keras.layers.Layer):
    """An operation that TensorFlow Lite does not have in any way."""

    def call(self, inputs):
        return tf.math.digamma(inputs * inputs + 1.0)


class Dilation2D(keras.layers.Layer):
    """An operation that TensorFlow Lite has only with TensorFlow linked in."""

    def call(self, inputs):
        return tf.nn.dilation2d(inputs, tf.ones((3, 3, 4)), [1] * 4, "SAME", "NHWC", [1] * 4)


def network_with(layer):
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(4, 3, name="stem")(image)
    x = keras.layers.GlobalAveragePooling2D()(layer(x))
    return keras.Model(image, keras.layers.Dense(5)(x), name="strange")


def serve(path, images):
    runner = Interpreter(str(path)).get_signature_runner("serving_default")
    return runner(image=images.astype(np.float32))


def flex_file(path):
    """A file with an operation of TensorFlow, as Keras's own exporter would write it."""
    model = network_with(Dilation2D())
    saved_model.save_signatures(model, path.parent / "flex", probabilities=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(path.parent / "flex"))
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    path.write_bytes(converter.convert())
    return path


def test_the_signature_is_named_and_gives_the_logits_of_the_model(exported, trained, images):
    outputs = serve(exported["tflite_float32"], images)
    assert list(outputs) == ["logits"]
    np.testing.assert_allclose(outputs["logits"], trained(images.astype(np.float32)), atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_model_of_mixed_precision_is_written_in_float32(make_network, images, tmp_path, policy):
    path = tflite_float32.write_tflite_float32(make_network(policy=policy), tmp_path / "model")
    assert tflite.read_tflite(path).precision == "float32"
    logits = make_network()(images.astype(np.float32))
    np.testing.assert_allclose(serve(path, images)["logits"], logits, atol=1e-5)


def test_without_preprocessing_it_takes_standardized_images(
    network, images, standardized, tmp_path
):
    path = tflite_float32.write_tflite_float32(
        network, tmp_path / "model", include_preprocessing=False
    )
    logits = network(images.astype(np.float32))
    np.testing.assert_allclose(serve(path, standardized)["logits"], logits, atol=1e-4)


def test_only_the_model_is_inside(exported, trained):
    path = exported["tflite_float32"]
    weights = 4 * trained.count_params()
    assert weights * 0.9 < path.stat().st_size < weights + 8000


def test_the_same_model_gives_the_same_file(network, class_names, tmp_path):
    first, second = (
        tflite_float32.write_tflite_float32(network, tmp_path / name, class_names=class_names)
        for name in "ab"
    )
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.getinfo("labels.txt").date_time == (1980, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("layer", [Digamma, Dilation2D])
def test_an_operation_that_does_not_exist_is_named_with_its_layer(layer, capfd, tmp_path):
    model = network_with(layer(name="own"))
    message = rf"Received: {layer.__name__} in layer own\. Use another layer"
    with pytest.raises(ValueError, match=message) as caught:
        tflite_float32.write_tflite_float32(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert isinstance(caught.value.__cause__.__notes__[0], str)


def test_nothing_is_printed_and_the_suffix_is_added_where_it_is_missing(network, capfd, tmp_path):
    path = tflite_float32.write_tflite_float32(network, tmp_path / "v1.2")
    assert path.name == "v1.2.tflite"
    tflite.read_tflite(path).run(np.zeros((2, 8, 8, 3), np.float32))
    assert capfd.readouterr() == ("", "")


def test_class_names_are_read_back(exported, class_names):
    assert tflite.read_tflite(exported["tflite_float32"]).class_names == class_names


@pytest.mark.parametrize(
    "text", ["cat\ndog\nnight owl", "cat\ndog\nnight owl\n", "cat\r\ndog\r\nnight owl\r\n"]
)
def test_class_names_of_another_program_are_read_whole(text, tmp_path):
    path = tflite_float32.write_tflite_float32(network_with(keras.layers.ReLU()), tmp_path / "a")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", text)
    assert tflite.read_tflite(path).class_names == ("cat", "dog", "night owl")


def test_foreign_operations_are_named_and_refused(tmp_path):
    path = flex_file(tmp_path / "flex.tflite")
    with pytest.raises(ValueError, match=r"Expected TensorFlow Lite's own .* FlexDilation2D\."):
        tflite.read_tflite(path)


def test_a_quantized_file_is_read_in_its_own_numbers(network, images, tmp_path):
    saved_model.save_signatures(network, tmp_path / "model", probabilities=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "model"))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([i[None].astype(np.float32)] for i in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    path = tmp_path / "int8.tflite"
    path.write_bytes(converter.convert())
    logits = network(images.astype(np.float32)).numpy()
    received = tflite.read_tflite(path).predict(images)
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, logits, atol=0.1 * np.ptp(logits))


def test_several_inputs_are_refused(tmp_path):
    specification = tf.TensorSpec((None, 8, 8, 3), tf.float32)
    function = tf.function(
        lambda a, b: tf.reduce_mean(a + b, [1, 2]), input_signature=[specification] * 2
    )
    tf.saved_model.save(tf.Module(), str(tmp_path / "model"), signatures=function)
    path = tmp_path / "model.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "model")).convert())
    with pytest.raises(ValueError, match=r"Expected one input, the images, .* Received: a, b\."):
        tflite.read_tflite(path)
