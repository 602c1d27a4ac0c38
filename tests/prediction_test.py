import csv
import json
import types

import keras
import numpy as np
import pytest

import main
from kd_keras import config, export, prediction, subjects

NAMES = ("dark", "bright")


def classifier(channels=3):
    """Says bright where the mean of the picture is above 100, as sure as it is far from it."""
    image = keras.Input((4, 6, channels), name="image")
    standardized = keras.layers.Normalization(
        mean=[100.0] * channels, variance=[25.0] * channels, name="standardization"
    )(image)
    x = keras.layers.GlobalAveragePooling2D()(standardized)
    logits = keras.layers.Dense(2, name="logits")
    model = keras.Model(image, logits(x))
    side = np.full((channels, 1), 0.5 / channels)
    logits.set_weights([np.concatenate([-side, side], axis=1), np.zeros(2)])
    return model


def write_picture(path, value, shape=(4, 6, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    keras.utils.save_img(path, np.full(shape, value, np.uint8), scale=False)


@pytest.fixture
def folder(tmp_path):
    write_picture(tmp_path / "photos" / "b.png", 90)
    write_picture(tmp_path / "photos" / "a" / "c.png", 110)
    (tmp_path / "photos" / "notes.txt").touch()
    return tmp_path / "photos"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return export.write(
        classifier(),
        tmp_path_factory.mktemp("exports"),
        ("saved_model", "tflite_float32", "tflite_uint8", "keras"),
        class_names=NAMES,
        representative_images=np.random.default_rng(0).integers(0, 256, (50, 4, 6, 3), np.uint8),
    )


def configure(images, *, data=None, **predict):
    return config.Config(
        predict=config.Predict(images=tuple(map(str, images)), **predict),
        data=config.Data(**(data or {})),
    )


def predict(path, images, record=None, **settings):
    subject = subjects.Subject(path, None, None, record or {})
    return prediction.predict_pictures(configure(images, **settings), subject)


@pytest.mark.parametrize("name", ["saved_model", "tflite_float32", "tflite_uint8", "keras"])
def test_every_form_names_the_classes_of_a_folder(name, exported, folder):
    predictions = predict(exported[name], [folder])
    assert [entry["file"] for entry in predictions] == [
        str(folder / "a" / "c.png"),
        str(folder / "b.png"),
    ]
    for entry, likeliest, value in zip(predictions, ("bright", "dark"), (110, 90), strict=True):
        assert [found["class"] for found in entry["classes"]] == [
            likeliest,
            *(name for name in NAMES if name != likeliest),
        ]
        # The logits are -+0.5 (value - 100) / 5.
        expected = 1 / (1 + np.exp(-abs(value - 100) / 5))
        tolerance = 0.1 if name == "tflite_uint8" else 1e-5
        assert entry["classes"][0]["probability"] == pytest.approx(expected, abs=tolerance)


def test_only_the_likeliest_are_told(exported, folder):
    [entry] = predict(exported["keras"], [folder / "b.png"], top_k=1)
    assert [found["class"] for found in entry["classes"]] == ["dark"]


def test_a_picture_of_another_size_is_refused_unless_it_is_to_be_scaled(exported, tmp_path):
    write_picture(tmp_path / "large.png", 110, (8, 12, 3))
    path = exported["tflite_float32"]
    with pytest.raises(ValueError, match=r"large\.png\. Expected 4 x 6 .* Received: 8 x 12"):
        predict(path, [tmp_path / "large.png"])
    [entry] = predict(path, [tmp_path / "large.png"], data={"resize": True, "image_size": 4})
    assert entry["classes"][0]["class"] == "bright"
    with pytest.raises(ValueError, match=r"takes images of 4 x 6 .* Set --image_size=4\."):
        predict(path, [tmp_path / "large.png"], data={"resize": True, "image_size": 9})


def test_names_come_from_the_run_where_the_file_has_none(folder, tmp_path):
    model = classifier()
    model.save(tmp_path / "student.keras")
    path = tmp_path / "student.keras"
    [entry] = predict(path, [folder / "b.png"], record={"class_names": ["d", "b"]}, top_k=1)
    assert entry["classes"][0]["class"] == "d"
    [entry] = predict(path, [folder / "b.png"], top_k=1)
    assert entry["classes"][0]["class"] == "0"
    with pytest.raises(ValueError, match=r"has 2 classes\. Expected as many names\. .* 3 names\."):
        predict(path, [folder / "b.png"], record={"class_names": ["a", "b", "c"]})


def test_grey_models_take_pictures_as_grey(folder, tmp_path):
    classifier(channels=1).save(tmp_path / "grey.keras")
    [entry] = predict(tmp_path / "grey.keras", [folder / "b.png"], top_k=1)
    assert entry["classes"] == [
        {"class": "0", "probability": pytest.approx(1 / (1 + np.exp(-2.0)))}
    ]


def test_other_channels_and_free_sizes_are_refused(folder, tmp_path):
    classifier(channels=2).save(tmp_path / "two.keras")
    with pytest.raises(ValueError, match=r"1 or 3 channels\. Received: 2 channels\."):
        predict(tmp_path / "two.keras", [folder])
    image = keras.Input((None, None, 3))
    x = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(image))
    keras.Model(image, x).save(tmp_path / "free.keras")
    with pytest.raises(ValueError, match=r"takes images of any size\. Expected --image_size"):
        predict(tmp_path / "free.keras", [folder])


def test_a_file_for_standardized_images_gets_such(folder, tmp_path):
    numbers = {"mean": [100.0] * 3, "standard_deviation": [5.0] * 3}
    for metadata in ({"standardization": numbers}, {}):
        path = export.write(
            classifier(),
            tmp_path,
            ["tflite_float32"],
            include_preprocessing=False,
            metadata=metadata,
        )["tflite_float32"]
        if metadata:
            [entry] = predict(path, [folder / "b.png"], top_k=1)
            assert entry["classes"][0]["probability"] == pytest.approx(1 / (1 + np.exp(-2.0)))
        else:
            with pytest.raises(ValueError, match=r"takes standardised images\. .* Export it with"):
                predict(path, [folder])


def test_pictures_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"No pictures to look at\. Expected --images=FOLDER"):
        prediction.find_pictures(())
    with pytest.raises(FileNotFoundError, match=r"No picture and no folder at .*none\.png\."):
        prediction.find_pictures([tmp_path / "none.png"])
    with pytest.raises(ValueError, match=r"No pictures in .* Expected files that end in"):
        prediction.find_pictures([tmp_path])


def test_what_is_hidden_or_no_file_is_no_picture_of_a_folder(folder):
    write_picture(folder / "._IMG.png", 90)
    write_picture(folder / ".thumbnails" / "d.png", 90)
    (folder / "album.jpg").mkdir()
    seen = [str(folder / "a" / "c.png"), str(folder / "b.png")]
    assert prediction.find_pictures([folder]) == seen
    # A file that is named is meant, and a folder may lie in a hidden one.
    assert prediction.find_pictures([folder / "._IMG.png"]) == [str(folder / "._IMG.png")]
    inside = folder / ".thumbnails"
    assert prediction.find_pictures([inside]) == [str(inside / "d.png")]


def test_a_broken_picture_and_a_damaged_model_are_named(exported, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"Broken picture .*broken\.png\."):
        predict(exported["keras"], [tmp_path / "broken.png"])
    (tmp_path / "model.tflite").write_bytes(b"nothing")
    write_picture(tmp_path / "fine.png", 1)
    with pytest.raises(ValueError, match=r"Cannot read the model at .*model\.tflite\."):
        predict(tmp_path / "model.tflite", [tmp_path / "fine.png"])


PREDICTIONS = [
    {"file": "a.png", "classes": [{"class": "cat, wild", "probability": 0.75}]},
    {"file": "b.png", "classes": [{"class": "dog", "probability": 0.5}]},
]


def test_predictions_are_written_as_csv_and_json(tmp_path):
    prediction.write_predictions(PREDICTIONS, tmp_path / "out.csv")
    with open(tmp_path / "out.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["file", "class_1", "probability_1"],
        ["a.png", "cat, wild", "0.75"],
        ["b.png", "dog", "0.5"],
    ]
    prediction.write_predictions(PREDICTIONS, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == PREDICTIONS


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"output\. Expected .* \.csv or \.json\. .*out\.txt\."):
        prediction.write_predictions(PREDICTIONS, tmp_path / "out.txt")
    assert list(tmp_path.iterdir()) == []


def test_the_table_tells_a_picture_once():
    two = [{"file": "a.png", "classes": 2 * PREDICTIONS[1]["classes"]}]
    lines = prediction.format_predictions(two).splitlines()
    assert [line.split()[0] for line in lines] == ["file", "a.png", "dog"]


def test_probabilities_of_far_logits_are_finite(exported, folder, monkeypatch):
    far = types.SimpleNamespace(
        path=exported["keras"],
        input_shape=(4, 6, 3),
        num_classes=2,
        class_names=NAMES,
        includes_preprocessing=True,
        predict=lambda images, batch_size: np.array([[0.0, 1e4]] * len(images), np.float32),
    )
    monkeypatch.setattr(export, "load_predictor", lambda path: far)
    [entry] = predict(exported["keras"], [folder / "b.png"])
    assert [found["probability"] for found in entry["classes"]] == [1.0, 0.0]


def test_the_command_prints_or_writes_and_tells_a_mistake_in_a_sentence(
    exported, folder, tmp_path, capsys
):
    words = ["predict", f"--model={exported['tflite_uint8']}", f"--images={folder}", "--top_k=1"]
    assert main.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["class", "bright", "dark"]
    assert main.main([*words, f"--output={tmp_path}/out.json"]) == 0
    assert len(json.loads((tmp_path / "out.json").read_text())) == 2
    assert main.main([*words, f"--output={tmp_path}/out.txt"]) == 2
    assert capsys.readouterr().err.startswith("main.py: Invalid value for output.")


def test_the_command_refuses_a_model_that_brings_code(folder, tmp_path, capsys):
    image = keras.Input((4, 6, 3))
    x = keras.layers.Lambda(lambda x: 2 * x)(keras.layers.Flatten()(image))
    keras.Model(image, keras.layers.Dense(2)(x)).save(tmp_path / "model.keras")
    assert main.main(["predict", f"--model={tmp_path}/model.keras", f"--images={folder}"]) == 2
    assert "It has a Lambda layer, which is code that the file brings" in capsys.readouterr().err
