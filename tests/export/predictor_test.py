import pathlib
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import export
from kd_keras.export import predictor

KINDS = {"keras": "model.keras", "saved_model": "saved_model", "tflite": "tflite_float32.tflite"}


@pytest.fixture(scope="module")
def folder(make_network, class_names, tmp_path_factory):
    directory = tmp_path_factory.mktemp("exports")
    network = make_network()
    export.write(network, directory, class_names=class_names)
    network.save(directory / "model.keras")
    return directory


def foreign_saved_model(function, path, batch=None):
    """What another program wrote: one signature with names of its own."""
    specification = tf.TensorSpec((batch, 8, 8, 3), tf.float32, name="pixels")
    function = tf.function(function, input_signature=[specification])
    tf.saved_model.save(tf.Module(), str(path), signatures=function)
    return path


def foreign_tflite(saved_model_path):
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model_path))
    path = saved_model_path.with_suffix(".tflite")
    path.write_bytes(converter.convert())
    return path


def channel_means(image):
    return tf.reduce_mean(image, [1, 2])


def channel_shares(image):
    return tf.nn.softmax(channel_means(image))


def test_every_kind_gives_the_logits_of_the_model(folder, network, images):
    logits = network(images.astype(np.float32)).numpy()
    for kind, name in KINDS.items():
        opened = predictor.load_predictor(folder / name)
        assert opened.kind == kind
        assert opened.input_shape == (8, 8, 3)
        assert opened.num_classes == 5
        for batch_size in (3, 256):
            received = opened.predict(images, batch_size=batch_size)
            assert received.dtype == np.float32
            np.testing.assert_allclose(received, logits, atol=1e-5, err_msg=kind)


def test_floats_are_taken_as_well_as_whole_numbers(folder, images):
    for name in KINDS.values():
        opened = predictor.load_predictor(folder / name)
        for dtype in (np.float16, np.float32, np.float64):
            np.testing.assert_array_equal(
                opened.predict(images.astype(dtype)), opened.predict(images)
            )


def test_size_and_class_names_are_those_of_the_file(folder, class_names):
    tflite = predictor.load_predictor(folder / KINDS["tflite"])
    assert tflite.size_bytes == (folder / KINDS["tflite"]).stat().st_size
    assert tflite.class_names == class_names
    saved_model = predictor.load_predictor(folder / "saved_model")
    contents = [path for path in (folder / "saved_model").rglob("*") if path.is_file()]
    assert saved_model.size_bytes == sum(path.stat().st_size for path in contents)
    assert saved_model.class_names == class_names


def test_no_images_give_no_logits(folder, images):
    for name in KINDS.values():
        assert predictor.load_predictor(folder / name).predict(images[:0]).shape == (0, 5)


def test_the_record_tells_whether_preprocessing_is_inside(network, tmp_path):
    paths = export.write(network, tmp_path, formats=["saved_model"], include_preprocessing=False)
    assert not predictor.load_predictor(paths["saved_model"]).includes_preprocessing
    moved = shutil.move(paths["saved_model"], tmp_path / "elsewhere")
    assert predictor.load_predictor(moved).includes_preprocessing


def test_a_softmax_in_a_keras_file_is_taken_off(make_network, images, tmp_path):
    make_network(activation="softmax", policy="mixed_bfloat16").save(tmp_path / "model.keras")
    opened = predictor.load_predictor(tmp_path / "model.keras")
    logits = make_network()(images.astype(np.float32))
    np.testing.assert_allclose(opened.predict(images), logits, atol=1e-5)


def test_one_output_of_any_name_is_taken_as_logits(images, tmp_path):
    path = foreign_saved_model(channel_means, tmp_path / "model")
    expected = images.mean(axis=(1, 2))
    for foreign in (path, foreign_tflite(path)):
        opened = predictor.load_predictor(foreign)
        assert opened.output_name == "output_0"
        np.testing.assert_allclose(opened.predict(images), expected, rtol=1e-5)


def test_a_file_without_signature_is_taken(images, tmp_path):
    function = tf.function(channel_means).get_concrete_function(tf.TensorSpec((None, 8, 8, 3)))
    path = tmp_path / "model.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())
    received = predictor.load_predictor(path).predict(images, batch_size=2)
    np.testing.assert_allclose(received, images.mean(axis=(1, 2)), rtol=1e-5)


def test_a_fixed_batch_is_filled_up(images, tmp_path):
    path = foreign_saved_model(
        lambda image: tf.matmul(tf.eye(3), channel_means(image)), tmp_path / "model", batch=3
    )
    for foreign in (path, foreign_tflite(path)):
        opened = predictor.load_predictor(foreign)
        assert opened.image_shape == (3, 8, 8, 3)
        np.testing.assert_allclose(opened.predict(images), images.mean(axis=(1, 2)), rtol=1e-5)


def test_any_image_size_is_taken_where_the_model_takes_it(tmp_path):
    image = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    model = keras.Model(image, keras.layers.Dense(2)(pooled))
    for path in export.write(model, tmp_path).values():
        opened = predictor.load_predictor(path)
        assert opened.input_shape == (None, None, 3)
        for side in (5, 9):
            images = np.ones((2, side, side, 3), np.float32)
            np.testing.assert_allclose(opened.predict(images), model(images), atol=1e-5)


def test_probabilities_are_refused(images, tmp_path):
    path = foreign_saved_model(channel_shares, tmp_path / "model")
    for foreign in (path, foreign_tflite(path)):
        opened = predictor.load_predictor(foreign)
        with pytest.raises(ValueError, match=r"Received: probabilities, from its output output_0"):
            opened.predict(images)


def whole_numbers(saved_model_path, images):
    """What another program makes of a SavedModel in 8 bits."""
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model_path))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([i[None].astype(np.float32)] for i in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    path = saved_model_path.with_suffix(".tflite")
    path.write_bytes(converter.convert())
    return path


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")
def test_probabilities_in_whole_numbers_are_refused(images, tmp_path):
    kernel = np.random.default_rng(0).normal(0, 0.05, (3, 16)).astype(np.float32)
    path = foreign_saved_model(
        lambda image: tf.nn.softmax(channel_means(image) @ kernel), tmp_path / "model"
    )
    opened = predictor.load_predictor(whole_numbers(path, images))
    sums = opened.run(images.astype(np.float32)).sum(axis=1)
    assert 1e-3 < np.abs(sums - 1).max() <= 16 / 512
    assert opened.output_step == pytest.approx(1 / 256)
    with pytest.raises(ValueError, match=r"Received: probabilities, from its output output_0"):
        opened.predict(images)


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")
def test_logits_in_whole_numbers_that_do_not_add_up_are_kept(images, tmp_path):
    path = foreign_saved_model(lambda image: channel_means(image) / 255, tmp_path / "model")
    opened = predictor.load_predictor(whole_numbers(path, images))
    logits = opened.predict(images)
    assert logits.min() >= 0
    assert logits.max() <= 1


def test_the_output_of_floats_has_no_step(folder):
    assert predictor.load_predictor(folder / KINDS["tflite"]).output_step == 0.0


def test_logits_that_look_like_probabilities_are_kept(images, tmp_path):
    path = foreign_saved_model(lambda image: {"logits": channel_shares(image)}, tmp_path / "model")
    assert predictor.load_predictor(path).predict(images).shape == (7, 3)


def test_several_outputs_without_logits_are_refused(tmp_path):
    path = foreign_saved_model(
        lambda image: {"a": channel_means(image), "b": channel_means(image)}, tmp_path / "model"
    )
    for foreign in (path, foreign_tflite(path)):
        with pytest.raises(ValueError, match=r"No logits in .* one output only. Received: a, b\."):
            predictor.load_predictor(foreign)


def test_what_is_no_classifier_is_refused(tmp_path):
    path = foreign_saved_model(lambda image: image + 1.0, tmp_path / "model")
    for foreign in (path, foreign_tflite(path)):
        with pytest.raises(ValueError, match=r"No classifier of images at .* \(None, 8, 8, 3\)\."):
            predictor.load_predictor(foreign)


def test_other_classes_are_refused_where_the_file_names_its_own(folder, class_names):
    named = [predictor.load_predictor(folder / name) for name in KINDS.values()]
    named = [opened for opened in named if opened.class_names]
    assert named
    for opened in named:
        opened.check(class_names=class_names)
        other = (*class_names[:2], "cow", *class_names[3:])
        with pytest.raises(ValueError, match=r"class 2, .* Received: model cat, data cow\."):
            opened.check(class_names=other)


def test_other_data_is_refused(folder, images):
    for name in KINDS.values():
        opened = predictor.load_predictor(folder / name)
        opened.check((8, 8, 3), 5)
        with pytest.raises(ValueError, match=r"model \(8, 8, 3\), data \(9, 8, 3\)"):
            opened.check((9, 8, 3))
        opened.check((None, 8, 3))
        with pytest.raises(ValueError, match=r"number of classes. Received: model 5, data 10"):
            opened.check(num_classes=10)
        with pytest.raises(ValueError, match=r"model \(8, 8, 3\), data \(8, 8, 2\)"):
            opened.predict(images[..., :2])
        with pytest.raises(ValueError, match=r"width, channels\)\. Received: \(8, 8, 3\)"):
            opened.predict(images[0])
        with pytest.raises(TypeError, match=r"Expected uint8 or floats. Received: int64"):
            opened.predict(images.astype(np.int64))


def test_a_missing_or_unknown_path_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No model at .*nothing\.keras\. Expected"):
        predictor.load_predictor(tmp_path / "nothing.keras")
    with pytest.raises(ValueError, match=r"No SavedModel in the folder .* an empty folder"):
        predictor.load_predictor(tmp_path)
    (tmp_path / "model.h5").touch()
    with pytest.raises(ValueError, match=r"Unknown kind of model at .* Received: \.h5 suffix"):
        predictor.load_predictor(tmp_path / "model.h5")


@pytest.mark.parametrize(
    "damaged",
    [
        "model.keras",
        "saved_model/saved_model.pb",
        "saved_model/variables/variables.index",
        "saved_model/variables/variables.data-00000-of-00001",
        "tflite_float32.tflite",
    ],
)
def test_a_damaged_file_is_refused(folder, tmp_path, damaged):
    folder = shutil.copytree(folder, tmp_path / "copy")
    path = folder / damaged
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(ValueError, match=r"Cannot read the model at .*Write the file again\."):
        predictor.load_predictor(folder / pathlib.Path(damaged).parts[0])


def test_a_file_that_fails_while_it_runs_is_refused(images, tmp_path):
    def fail(image):
        with tf.control_dependencies([tf.debugging.assert_negative(image)]):
            return channel_means(image)

    opened = predictor.load_predictor(foreign_saved_model(fail, tmp_path / "model"))
    with pytest.raises(ValueError, match=r"Cannot read the model at .*assertion failed"):
        opened.predict(images)
