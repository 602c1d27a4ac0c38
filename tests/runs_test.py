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
