import dataclasses
import json
import pathlib

import pytest

from kd_keras import config, data, runs


def _configure(**sections):
    return config.from_dictionary({"data": {"dataset": "synthetic"}, **sections})


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "supervised-logit_l1-adversarial"),
        ({"loss": ["soft_target:0.9"], "adversarial_weight": 0.0}, "supervised-soft_target"),
        ({"loss": [], "adversarial_weight": 0.0}, "supervised"),
        ({"loss": [], "supervised_weight": 0.0}, "adversarial"),
    ],
)
def test_methods_are_named_by_their_terms(settings, name):
    made = _configure(distillation=settings)
    assert runs.name_method(made.distillation) == name
    assert runs.student_folder(made).path.name == f"synthetic-wide_resnet-10-2-{name}-seed0"


def test_a_run_name_takes_the_place_of_the_made_one():
    made = _configure(run={"output_directory": "runs"})
    assert runs.teacher_folder(made, "mine").path.as_posix() == "runs/mine"
    assert runs.student_folder(made, "mine").path.as_posix() == "runs/mine"


@pytest.mark.parametrize("path", ["own/small-0.5.keras", "runs/small-0.5", "runs/small-0.5/"])
def test_a_run_is_named_by_the_file_or_folder_that_its_student_comes_from(path):
    made = config.from_dictionary({"student": {"path": path}})
    assert runs.student_folder(made).path.name.startswith("digits-small-0.5-supervised-")


def _settings(**sections):
    return runs.settings_with_effect(_configure(**sections), ("signal",))


def test_a_signal_counts_where_a_teacher_is_heard():
    nothing = {"loss": [], "adversarial_weight": 0.0}
    assert _settings(distillation=nothing, signal={"source": "views"}) == {}
    live = _settings()
    assert live["signal.source"] == "live"
    assert live == _settings(signal={"storage": "float32"})
    kept, exactly = (
        _settings(signal={"source": "views", "storage": storage})
        for storage in ("float16", "float32")
    )
    assert kept != live
    assert kept != exactly


def test_identity_leaves_out_what_has_no_effect_and_keeps_what_has():
    splits = data.load("synthetic")
    made = _configure()
    moved = dataclasses.replace(
        made, run=dataclasses.replace(made.run, output_directory="elsewhere", name="x")
    )
    seeded = dataclasses.replace(made, run=dataclasses.replace(made.run, seed=1))
    sections = ("run", "data", "training")
    one, two, three = (
        runs.identify(each, "distill", splits, sections)[0] for each in (made, moved, seeded)
    )
    assert one == two
    assert one != three
    assert one["data"] == splits.fingerprint


def test_an_identity_at_the_defaults_has_the_fields_that_it_always_had():
    """A field that came later belongs into `_CAME_LATER`, or every earlier run is another one."""
    sections = (*runs.OF_A_STUDENT, "teacher", "refinement", "pruning")
    nothing = runs.settings_with_effect(config.Config(), sections)
    golden = pathlib.Path(__file__).parent / "golden" / "identity_fields.json"
    assert sorted(nothing) == json.loads(golden.read_text())


def test_how_long_hosts_wait_is_no_part_of_an_identity():
    one, two = (
        runs.settings_with_effect(_configure(training={"host_minutes": m}), ("training",))
        for m in (2.0, 30.0)
    )
    assert one == two


def test_a_field_that_came_later_counts_where_it_is_set():
    plain, chosen = (
        runs.settings_with_effect(_configure(student=student), ("student",))
        for student in ({}, {"network": "resnet", "depth": 8, "option": ["stem_filters=8"]})
    )
    assert "student.option" not in plain
    assert chosen["student.option"] == ("stem_filters=8",)


def _write_teacher(folder, fingerprint="f", **of_data):
    made = _configure(data={"dataset": "synthetic", **of_data})
    identity = {"data": fingerprint, **runs.settings_with_effect(made, ("data",))}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"identity": identity}))
    return folder / "teacher.keras"


def test_a_teacher_of_the_same_images_is_taken(tmp_path):
    path = _write_teacher(tmp_path / "a", max_train_examples=100)
    runs.require_same_images(_configure(), path)
    runs.require_same_images(_configure(), path, "fewer images to train on")
    path = _write_teacher(tmp_path / "b")
    runs.require_same_images(_configure(), path, "f")
    on_all = _configure(data={"dataset": "synthetic", "validation_fraction": 0.0})
    runs.require_same_images(on_all, path, "no image kept for validation")


@pytest.mark.parametrize(
    ("of_data", "fingerprint", "found"),
    [
        ({"split_seed": 1}, None, "--split_seed was 1 and is 0"),
        ({"test_fraction": 0.3}, None, "--test_fraction was 0.3 and is 0.1"),
        ({"validation_fraction": 0.0}, "f", "--validation_fraction was 0.0 and is 0.1"),
        ({}, "g", "the images have changed since"),
    ],
)
def test_a_teacher_that_may_know_the_test_images_is_refused(tmp_path, of_data, fingerprint, found):
    path = _write_teacher(tmp_path / "a", **of_data)
    with pytest.raises(ValueError, match="learned from another split") as caught:
        runs.require_same_images(_configure(), path, fingerprint)
    assert f"another split of the images: {found}. It may know" in str(caught.value)
    assert f"--teacher_path={path}." in str(caught.value)
    named = _configure(teacher={"path": str(path)})
    runs.require_same_images(named, path, fingerprint)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"identity": {}}'])
def test_a_teacher_without_a_record_is_taken(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    runs.require_same_images(_configure(), tmp_path / "teacher.keras", "f")


def test_the_second_network_of_a_joint_run_is_not_the_runs_model(tmp_path):
    (tmp_path / "teacher.keras").write_text("")
    assert runs.find_model(tmp_path) == tmp_path / "teacher.keras"
    (tmp_path / "config.json").write_text('{"identity": {"command": "distill"}}')
    with pytest.raises(FileNotFoundError, match=r"No model in .*a run writes at its end"):
        runs.find_model(tmp_path)


def test_the_network_that_training_begins_with_is_part_of_what_a_run_is(tmp_path):
    splits, path = data.load("synthetic"), tmp_path / "mine.keras"
    made = _configure(student={"path": str(path)}, teacher={"path": str(path)})

    def identify(content, origin=None):
        path.write_text(content)
        return runs.identify(made, "distill", splits, runs.OF_A_STUDENT, origin=origin)[0]

    first, second = identify("a"), identify("b")
    assert first != second
    assert {name for name in first if first[name] != second[name]} == {"student_file"}
    assert "student_file" not in _identity_of_one_from_a_class(splits)


def _identity_of_one_from_a_class(splits):
    return runs.identify(_configure(), "distill", splits, runs.OF_A_STUDENT)[0]
