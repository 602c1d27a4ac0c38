import dataclasses

import numpy as np
import pytest

from kd_keras import assembly, config, export, files, models
from kd_keras.gathering import networks, single
from tests.gathering import folders


@pytest.fixture(autouse=True)
def _few_repeats(monkeypatch):
    """How long networks take is of no interest here."""
    monkeypatch.setattr(networks, "_REPEATS", 2)


@pytest.fixture
def cast(tmp_path):
    return single.cast_run(folders.make_trio(tmp_path))


def test_every_network_is_run_over_the_images(cast, capsys):
    split, judged = networks.judge(cast, config.Config())
    assert judged.split == "test"
    np.testing.assert_array_equal(judged.labels, folders.splits().test.labels)
    assert [o.label for o in judged.opinions] == cast.judged_labels
    model = assembly.load_model(cast.models["teacher"])
    images = split.images_at(range(len(split))).astype(np.float32)
    np.testing.assert_allclose(judged.opinions[2].logits, model(images), rtol=1e-4, atol=1e-4)
    assert "  distilled student: 64 images" in capsys.readouterr().out


def test_images_that_cannot_be_read_are_said(cast):
    record = cast.records[cast.subject]
    record.facts["config"]["data"] |= {"dataset": "image_folder", "data_directory": "/nowhere"}
    assert networks.judge(cast, config.Config()) == (None, None)
    assert cast.missing[0].startswith("The images cannot be read, so no network was asked: ")


def test_other_images_are_not_judged(cast):
    cast.records[cast.subject].identity["data"] = "another"
    assert networks.judge(cast, config.Config()) == (None, None)
    assert cast.missing == [
        "The images are not those of the run: their fingerprint differs. No network was asked."
    ]


def test_a_run_without_held_out_images_is_not_judged(cast, monkeypatch):
    whole = folders.splits()
    held = dataclasses.replace(whole, validation=whole.validation.select([]))
    monkeypatch.setattr(assembly, "load_splits", lambda settings: held)
    record = cast.records[cast.subject]
    record.identity["data"] = held.fingerprint
    record.figures["judged_on"] = "validation"
    assert networks.judge(cast, config.Config()) == (None, None)
    assert cast.missing == ["The data has no validation images, so no network was asked."]


def test_another_teacher_is_said(cast):
    identity = cast.records[cast.subject].identity
    identity["teacher"] = models.fingerprint_weights(assembly.load_model(cast.models["teacher"]))
    networks.judge(cast, config.Config())
    assert cast.missing == []
    identity["teacher"] = "another"
    networks.judge(cast, config.Config())
    assert cast.missing == [
        f"The teacher at {cast.models['teacher']} is not the one that distilled student learned "
        "from: its weights differ."
    ]


def test_a_network_that_cannot_be_loaded_is_said_and_the_others_are_run(cast):
    cast.models["teacher"].write_text("damaged")
    _, judged = networks.judge(cast, config.Config())
    assert [o.label for o in judged.opinions] == ["student from scratch", "distilled student"]
    assert cast.missing[0].startswith("The network of teacher cannot be run: ")


def test_an_unfinished_run_has_no_network_to_ask(tmp_path):
    cast = single.cast_run(folders.make_run(tmp_path / "a", finished=False))
    assert networks.judge(cast, config.Config()) == (None, None)


def test_networks_of_one_name_are_timed_once(cast, capsys):
    timing = networks.measure_latencies(cast)
    assert set(timing.milliseconds) == set(cast.models)
    assert "time for one image, networks: 2" in capsys.readouterr().out
    control, student = cast.control, cast.subject
    assert timing.milliseconds[control] == timing.milliseconds[student]
    assert all(0 < value < 10_000 for value in timing.milliseconds.values())
    assert "of Keras models in TensorFlow" in timing.description


def test_files_of_one_name_are_networks_of_their_own(cast, capsys):
    for label in (cast.teacher, cast.subject):
        record = cast.records[label]
        section = "teacher" if record.is_teacher else "student"
        record.facts["config"][section]["path"] = f"{label}/model.keras"
        assert record.network == "model"
    timing = networks.measure_latencies(cast)
    assert "time for one image, networks: 3" in capsys.readouterr().out
    assert timing.milliseconds[cast.teacher] != timing.milliseconds[cast.subject]


def test_the_exported_files_are_timed_where_every_network_has_one(cast):
    folder = cast.models["teacher"].parent
    model = assembly.load_model(cast.models["teacher"])
    export.write(model, folder / "exports", formats=["tflite_float32"])
    cast.models = {"teacher": cast.models["teacher"]}
    timing = networks.measure_latencies(cast)
    assert "of TensorFlow Lite files on one thread" in timing.description
    assert timing.milliseconds["teacher"] > 0


def test_a_file_for_several_images_at_once_is_not_timed(cast):
    folder = cast.models["teacher"].parent
    model = assembly.load_model(cast.models["teacher"])
    export.write(model, folder / "exports", formats=["tflite_float32"], batch_size=2)
    cast.models = {"teacher": cast.models["teacher"]}
    assert "of Keras models" in networks.measure_latencies(cast).description


def test_what_cannot_be_timed_is_said(cast):
    cast.models["teacher"].write_text("damaged")
    assert networks.measure_latencies(cast) is None
    assert cast.missing[0].startswith("The time for one image could not be measured: ")


def test_nothing_to_time_is_nothing(tmp_path):
    cast = single.cast_run(folders.make_run(tmp_path / "a", finished=False))
    assert networks.measure_latencies(cast) is None


def test_a_run_of_an_older_version_can_be_judged(cast):
    record = cast.records[cast.subject]
    record.facts["config"]["distillation"]["of_old"] = 1
    files.write_json(record.path / "config.json", record.facts)
    assert networks.judge(cast, config.Config())[1] is not None
