import dataclasses

import pytest

from kd_keras import data, searching
from kd_keras.config import Budget, Config, Data, Signal, Student, Training
from kd_keras.searching import planning
from tests.searching import plans


def test_without_axes_depth_and_width_are_searched():
    planned = searching.plan(Config())
    assert planned.name == "digits-search"
    assert planned.path.as_posix() == "saved_models/digits-search"
    assert [axis.field for axis in planned.axes] == ["student.depth", "student.width"]
    assert planned.num_candidates == 9


def test_a_trial_is_a_run_in_the_searchs_folder(tmp_path):
    planned = plans.plan(tmp_path)
    config = planned.make_config("0003", {"student.width": 4})
    assert (config.student.width, config.run.name) == (4, "some/0003")
    assert planned.folder("0003").path == tmp_path / "some" / "0003"
    assert planned.make_config("0003", {}, epochs=7).training.epochs == 7
    assert config.search == Config().search


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"axes": ("student.depth=10,11",)}, "There is no candidate student.depth=11: Invalid v"),
        ({"axes": ("student.network=wide_resnet,resne",)}, "There is no candidate student.netw"),
        ({"axes": ("discriminator.game=minimax,mini",)}, "Unknown game. Expected one of "),
        ({"axes": ("student.depth",)}, "Invalid value for search_axis."),
        (
            {"student": Student(path="mine.keras")},
            "mine.keras is a network of its own size, and the search varies student.width. Leave "
            "out --student_path, or search other fields: ",
        ),
        (
            {"axes": ("training.epochs=3,9",), "section": {"oracle": "hyperband"}},
            "hyperband chooses the epochs itself. Expected no axis training.epochs. Leave it out, ",
        ),
        (
            {
                "section": {"oracle": "hyperband"},
                "training": Training(epochs=9, warmup_epochs=4),
            },
            "hyperband's first rung has 3 epochs, and the learning rate rises for 4. Lower --warm",
        ),
        (
            {
                "section": {"oracle": "hyperband", "trials": 13},
                "axes": ("student.width=1..20",),
                "training": Training(epochs=9, warmup_epochs=2),
            },
            "hyperband's first rung has 1 epoch, and the learning rate rises for 2. Lower --warm",
        ),
        (
            {"section": {"oracle": "hyperband", "trials": 3}, "training": Training(epochs=30)},
            "hyperband has too few trials for a second rung: one student in 3 goes on from 10 "
            "epochs to 30. Expected --trials of 4 or more. Received: 3. Ask for more, or choose "
            "another --oracle.",
        ),
        (
            {"data": Data(dataset="synthetic", validation_fraction=0.0)},
            "A search chooses by validation images, and synthetic has none. Expected "
            "--validation_fraction above 0. Received: 0.",
        ),
    ],
)
def test_a_mistake_is_said_before_anything_is_run(tmp_path, words, said):
    with pytest.raises(ValueError, match=r"\.") as caught:
        plans.plan(tmp_path, **words)
    message = str(caught.value)
    assert message.startswith(said) or "resne" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("recipe", "goes_on"),
    [
        ({"schedule": "step"}, False),
        ({"schedule": "step", "learning_rate_drops": (5,)}, True),
        ({"schedule": "cosine"}, False),
        ({"schedule": "constant"}, True),
    ],
)
def test_longer_trials_go_on_where_the_rate_does_not_know_the_end(tmp_path, recipe, goes_on):
    planned = plans.plan(tmp_path, training=Training(epochs=9, **recipe))
    assert planned.goes_on is goes_on


def test_a_varied_schedule_does_not_go_on(tmp_path):
    planned = plans.plan(
        tmp_path,
        axes=("training.schedule=constant,cosine",),
        training=Training(schedule="constant"),
    )
    assert not planned.goes_on


def test_the_teacher_is_asked_once_for_all_that_hear_the_same(tmp_path):
    axes = ("student.width=1,2", "training.learning_rate=0.01..0.1", "training.epochs=3,9")
    configs = plans.plan(tmp_path, axes=axes, signal=Signal(source="views")).heard_configs()
    assert [config.training.epochs for config in configs] == [3, 9]
    [config] = plans.plan(tmp_path, axes=axes[:2]).heard_configs()
    assert config.run.name == ""


def test_what_makes_a_search_this_search(tmp_path):
    planned = plans.plan(tmp_path, budget=Budget(max_parameters=1000))
    identity = planning.identity_of(planned)
    assert identity["command"] == "search"
    assert identity["search.axes"] == {"student.width": "1,2,4"}
    assert identity["budget.max_parameters"] == 1000
    assert not {"search.trials", "processes.jobs", "run.name"} & set(identity)
    assert planned.limits == {"parameters": 1000}
    longer = dataclasses.replace(planned, section=dataclasses.replace(planned.section, trials=99))
    assert planning.identity_of(longer) == identity


@pytest.mark.parametrize(
    ("axes", "trials", "epochs"),
    [
        (("student.width=1,2,4",), 4, 30),
        (("student.width=1..8",), 13, 30),
        (("training.learning_rate=0.01..0.3",), 4, 3),
        # All students are trained to the end, because there are fewer than one in three.
        (("student.width=1,2",), 2, 30),
        # There is one rung, whatever trials there are.
        (("student.width=1..8",), 2, 2),
    ],
)
def test_hyperband_is_planned_where_a_bracket_is_whole(tmp_path, axes, trials, epochs):
    section = {"oracle": "hyperband", "trials": trials}
    planned = plans.plan(tmp_path, axes=axes, section=section, training=Training(epochs=epochs))
    assert planned.section.trials == trials


def test_a_folder_with_pictures_for_validation_needs_no_fraction(tmp_path):
    words = {"dataset": "image_folder", "data_directory": str(tmp_path / "pictures")}
    section = Data(**words, validation_fraction=0.0)
    plans.plan(tmp_path, data=section)  # That the folder is not there is said when it is read.
    (tmp_path / "pictures" / "train").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"^A search chooses by validation .* image_folder has n"):
        plans.plan(tmp_path, data=section)
    plans.plan(tmp_path, data=Data(**words))
    (tmp_path / "pictures" / "validation").mkdir()
    plans.plan(tmp_path, data=section)


def test_the_datasets_that_are_known_to_have_no_validation_images():
    assert set(planning._WITHOUT_VALIDATION) <= set(data.names())
    for name in ("digits", "synthetic"):
        assert not len(data.load(name, validation_fraction=0.0).validation)
