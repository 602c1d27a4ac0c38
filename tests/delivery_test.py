import pathlib
import types

import keras
import numpy as np
import pytest

from kd_keras import config, data, delivery, export, files, subjects

MEAN, DEVIATION = [100.0, 110.0, 120.0], [30.0, 40.0, 50.0]
ALONE = subjects.Subject(pathlib.Path("alone.keras"), None, None)


def _verdict(folder, **values):
    return export.Verdict(
        kind="tflite",
        path=folder / "a.tflite",
        size_bytes=1,
        num_examples=1,
        error_before_percent=0.0,
        **values,
    )


def configure(**values):
    return config.Config(export=config.Export(**values))


@pytest.fixture(scope="module")
def splits():
    return data.load("synthetic")


@pytest.fixture(scope="module")
def model(splits):
    image = keras.Input(splits.image_shape, name="image")
    x = keras.layers.Normalization(
        mean=MEAN,  # of other images than the data's
        variance=[deviation**2 for deviation in DEVIATION],
        name="standardization",
    )(image)
    x = keras.layers.Conv2D(4, 3)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(splits.num_classes, name="logits")(x))


def test_formats_are_those_asked_for_or_every_one_that_is_installed(capsys, monkeypatch):
    section = config.Export(formats=("keras", "saved_model"))
    assert delivery.choose_formats(section) == ("keras", "saved_model")
    monkeypatch.setattr(export, "available", lambda: ["keras"])
    monkeypatch.setattr(export, "names", lambda: ["keras", "onnx"])
    assert delivery.choose_formats(config.Export(formats=("all",))) == ["keras"]
    assert capsys.readouterr().out == "  without onnx: pip install 'kd_keras[onnx]'\n"


def test_contents_are_drawn_from_the_training_split_by_the_seed(splits, model):
    settings = configure(calibration_images=20, licence="CC0-1.0", static_batch=1)
    first = delivery.gather_contents(settings, ALONE, model, splits)
    again = delivery.gather_contents(settings, ALONE, model, splits)
    other = delivery.gather_contents(
        config.Config(export=settings.export, run=config.Run(seed=1)), ALONE, model, splits
    )
    images = first["representative_images"]
    assert images.shape == (20, *splits.image_shape)
    np.testing.assert_array_equal(images, again["representative_images"])
    assert not np.array_equal(images, other["representative_images"])
    train = {image.tobytes() for image in splits.train.images_at(range(len(splits.train)))}
    assert {image.tobytes() for image in images} <= train
    assert len({image.tobytes() for image in images}) == 20
    assert first["batch_size"] == 1
    assert first["metadata"]["licence"] == "CC0-1.0"
    assert first["metadata"]["fingerprint"]["data"] == splits.fingerprint
    assert len(first["metadata"]["fingerprint"]["weights"]) == 64
    assert "standardization" not in first["metadata"]


def test_there_are_no_more_representative_images_than_training_images(splits, model):
    contents = delivery.gather_contents(configure(calibration_images=10**6), ALONE, model, splits)
    assert len(contents["representative_images"]) == len(splits.train)


def test_a_file_without_preprocessing_is_told_its_numbers(splits, model):
    settings = configure(include_preprocessing=False)
    contents = delivery.gather_contents(settings, ALONE, model, splits)
    assert contents["metadata"]["standardization"] == {
        "mean": pytest.approx(MEAN),
        "standard_deviation": pytest.approx(DEVIATION),
    }


@pytest.mark.parametrize("include_preprocessing", [True, False])
def test_files_are_judged_and_timed(include_preprocessing, splits, model, tmp_path, capsys):
    settings = configure(include_preprocessing=include_preprocessing, latency_repeats=2)
    contents = delivery.gather_contents(settings, ALONE, model, splits)
    written = export.write(model, tmp_path, ("saved_model", "tflite_int8"), **contents)
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(b"nothing")
    verdicts = delivery.judge(settings, model, {**written, "damaged": damaged}, splits)
    assert [len(verdict.latencies) for verdict in verdicts] == [1, 2, 0]
    assert verdicts[0].passed
    assert [verdict.precision for verdict in verdicts[:2]] == ["float32", "int8"]
    delivery.print_verdicts(settings, verdicts)
    text = capsys.readouterr().out
    assert "ms, threads: 2" in text
    assert "pass: the error is at most 0.5 percentage points above the model's" in text
    assert f"damaged.tflite: Cannot read the model at {damaged}." in text


@pytest.mark.parametrize(
    ("values", "is_told"),
    [
        ({"precision": "int8", "error_after_percent": 40.0, "reasons": ("It is worse.",)}, True),
        ({"precision": "int8", "error_after_percent": 40.0}, False),
        ({"precision": "int8", "reasons": ("It does not run.",)}, False),
        ({"error_after_percent": 40.0, "reasons": ("It is worse.",)}, False),
    ],
)
def test_what_rounding_loses_is_answered_with_the_command_against_it(values, is_told, capsys):
    verdict = export.Verdict(
        kind="tflite",
        path=pathlib.Path("a.tflite"),
        size_bytes=1,
        num_examples=1,
        error_before_percent=30.0,
        **values,
    )
    settings = config.Config(evaluation=config.Evaluation(run="my runs/small"))
    delivery.print_verdicts(settings, [verdict])
    said = capsys.readouterr().out
    assert ("python main.py quantize '--run=my runs/small'" in said) == is_told


def test_nothing_is_timed_where_that_is_not_asked_for(splits, model, monkeypatch):
    verdict = types.SimpleNamespace(path=1, error_after_percent=1.0)
    monkeypatch.setattr(delivery.judging, "verify_files", lambda *arguments: [verdict])
    assert delivery.judge(configure(latency_repeats=0), model, {}, splits) == [verdict]


def test_the_card_tells_data_recipe_teacher_figures_and_limits(splits, model, tmp_path):
    model.save(tmp_path / "student.keras")
    (tmp_path / "metrics.json").write_text(
        '{"judged_on": "test", "best": {"top1_error_percent": 12.5, "per_class": {}}}'
    )
    record = {
        "config": {"student": {"depth": 10, "width": 4}, "run": {"seed": 7}},
        "origin": "runs/big/teacher.keras",
        "identity": {
            "command": "prune",
            "origin": "34cd",
            "teacher": "12ab",
            "student.depth": 10,
            "student.path": "",
            "run.seed": 7,
            "pruning.fraction": 0.75,
        },
    }
    subject = subjects.Subject(tmp_path / "student.keras", None, tmp_path / "teacher.keras", record)
    verdict = _verdict(
        tmp_path,
        latencies=(export.Latency(1, 0.5, 0.6, 9), export.Latency(1, 3.0, 4.0, 9, batch=8)),
        reasons=("It does not run.",),
    )
    card = delivery.describe(configure(licence="CC0-1.0"), subject, splits, [verdict])
    for line in (
        f"| dataset | {splits.name} |",
        f"| SHA-256 | {splits.fingerprint} |",
        "| student.depth | 10 |",
        "| run.seed | 7 |",
        "| pruning.fraction | 0.75 |",
        "| file | runs/big/teacher.keras |",
        "| by the command | prune |",
        "| SHA-256 of its weights | 34cd |",
        "| SHA-256 of its weights | 12ab |",
        "| judged on | test |",
        "| top1_error_percent | 12.50 |",
        "- a.tflite failed its check.",
        "- The latencies are of a call with one image or 8 images on the machine that wrote this "
        "card, from Python; on a device they are to be measured again.",
        "CC0-1.0",
    ):
        assert line in card.splitlines(), line
    assert "student.path" not in card
    assert "student.width" not in card  # which had no effect


def test_a_model_without_a_run_has_a_card_too(splits, model, tmp_path):
    model.save(tmp_path / "own.keras")
    subject = subjects.Subject(tmp_path / "own.keras", None, None)
    card = delivery.describe(configure(), subject, splits, [])
    assert "## Recipe" not in card
    assert "## Made from" not in card
    assert "## Teacher" not in card
    assert card.endswith("## Licence\n\nNot stated.\n")


def test_of_all_formats_those_that_cannot_hold_the_model_are_left_out_and_told(
    splits, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(export, "available", lambda: ["keras", "tflite_int16x8", "tflite_int8"])
    monkeypatch.setattr(export, "names", export.available)
    image = keras.Input(splits.image_shape, name="image")
    x = keras.layers.Activation("hard_silu")(keras.layers.Conv2D(4, 3)(image))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(splits.num_classes)(x))
    contents = {"representative_images": splits.train.draw_images(20, 0)}
    section = config.Export(formats=("all",))
    written = delivery.write_files(section, model, tmp_path / "all", contents)
    assert list(written) == ["keras", "tflite_int8"]
    reason = files.read_json(tmp_path / "all" / "export.json")["left_out"]["tflite_int16x8"]
    assert "Received: HARD_SWISH." in reason
    assert capsys.readouterr().out == f"  without tflite_int16x8: {reason}\n"
    named = config.Export(formats=("keras", "tflite_int16x8"))
    with pytest.raises(ValueError, match=r"Received: HARD_SWISH\."):
        delivery.write_files(named, model, tmp_path / "named", contents)
    assert list((tmp_path / "named").iterdir()) == []


def test_a_card_tells_no_number_of_multiply_adds_that_leaves_some_out(splits, tmp_path):
    image = keras.Input(splits.image_shape)
    x = keras.layers.Flatten()(keras.ops.svd(image, compute_uv=False))
    keras.Model(image, keras.layers.Dense(splits.num_classes)(x)).save(tmp_path / "own.keras")
    subject = subjects.Subject(tmp_path / "own.keras", None, None)
    card = delivery.describe(configure(), subject, splits, []).splitlines()
    assert "| multiply-adds for one image | not known, for those of Svd are not |" in card


def test_the_size_of_the_training_images_is_told_where_a_record_tells_it(splits, model, tmp_path):
    model.save(tmp_path / "student.keras")
    height, width, _ = splits.image_shape
    trained = (
        f"It was trained on images of {height} x {width} pixels; larger ones have to be scaled "
        "down to them."
    )
    for record in ({}, {"config": {}, "identity": {}}):
        subject = subjects.Subject(tmp_path / "student.keras", None, None, record)
        settings = configure(calibration_images=1)
        told = delivery.gather_contents(settings, subject, model, splits)["metadata"]["limits"]
        assert told[2:] == [
            trained if record else f"Its figures are of images of {height} x {width} pixels."
        ]
        assert f"- {told[2]}" in delivery.describe(settings, subject, splits, []).splitlines()


def test_the_limits_name_the_images_that_the_figures_are_of(splits, model, tmp_path):
    def limits(subject):
        validation = config.Evaluation(split="validation")
        settings = config.Config(evaluation=validation, export=config.Export(calibration_images=1))
        told = delivery.gather_contents(settings, subject, model, splits)["metadata"]["limits"]
        card = delivery.describe(settings, subject, splits, [verdict]).splitlines()
        assert f"- {told[1]}" in card
        return told[1], card

    model.save(tmp_path / "student.keras")
    verdict = _verdict(tmp_path)
    subject = subjects.Subject(tmp_path / "student.keras", None, None)
    told, card = limits(subject)
    assert told.startswith("Its figures are of the validation images of synthetic;")
    assert not any("figures of its files" in line for line in card)
    (tmp_path / "metrics.json").write_text('{"judged_on": "test"}')
    told, card = limits(subject)
    assert told.startswith("Its figures are of the test images of synthetic;")
    assert "- The figures of its files are of the validation images." in card
