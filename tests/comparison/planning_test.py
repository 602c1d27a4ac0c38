import dataclasses

import pytest

from kd_keras import comparison
from kd_keras.config import Compare, Config, Distillation, Run, Student
from tests.comparison import rows


def refuse(tmp_path, *methods):
    with pytest.raises(ValueError, match=r"method|Unknown") as caught:
        rows.plan(tmp_path, methods=methods)
    return str(caught.value)


def test_rows_are_methods_times_seeds_and_early_ones_compare_all_methods(tmp_path):
    planned = rows.plan(tmp_path, seeds=(3, 1))
    assert [(row.label, row.seed) for row in planned.rows] == [
        ("from scratch", 3),
        ("adversarial", 3),
        ("from scratch", 1),
        ("adversarial", 1),
    ]
    assert planned.seeds == (3, 1)
    assert planned.rows[0].name == "from scratch, seed 3"


def test_a_row_is_the_base_with_its_changes_its_seed_and_its_folder(tmp_path):
    methods = (("T = 2", (("distillation.temperature", 2.0), ("training.epochs", 9))),)
    [row] = rows.plan(tmp_path, methods=methods, seeds=(5,)).rows
    base = rows.make_config(tmp_path)
    assert row.config == dataclasses.replace(
        base,
        run=dataclasses.replace(base.run, seed=5, name="some/t-2-seed5"),
        distillation=Distillation(temperature=2.0),
        training=dataclasses.replace(base.training, epochs=9),
        compare=Compare(),
    )
    assert row.folder.path == tmp_path / "some" / "t-2-seed5"


def test_without_a_name_the_folder_is_made_from_data_and_student(tmp_path):
    assert rows.plan(tmp_path, name="").name == "synthetic-wide_resnet-10-2-comparison"
    own = rows.plan(tmp_path, name="", student=Student(path="networks/mine.keras"))
    assert own.path == tmp_path / "synthetic-mine-comparison"
    config = rows.make_config(tmp_path, name="")
    assert comparison.plan(config, suffix="quickstart").name.endswith("-10-2-quickstart")


def test_without_methods_they_are_the_three_of_the_quickstart(tmp_path):
    config = Config(
        run=Run(output_directory=str(tmp_path)),
        distillation=Distillation(supervised_weight=0.7, loss=("logit_l1:2",), temperature=3.0),
    )
    methods = comparison.plan(config).methods
    assert list(methods) == ["from scratch", "soft targets", "adversarial"]
    scratch, soft, adversarial = (method.distillation for method in methods.values())
    assert not scratch.needs_teacher
    assert scratch.supervised_weight == 1.0
    assert (soft.loss, soft.supervised_weight, soft.temperature) == (("soft_target",), 0.5, 3.0)
    assert not soft.adversarial_weight
    assert adversarial == config.distillation


def test_the_control_trains_the_same_student_alike_without_a_teacher(tmp_path):
    scratch = rows.METHODS[0][1]
    small, long = ("student.width", 1), ("training.epochs", 99)
    planned = rows.plan(
        tmp_path,
        methods=(
            ("adversarial", ()),
            ("hot", (("distillation.temperature", 9.0),)),
            ("scratch", scratch),
            ("scratch again", (*scratch, ("discriminator.depth", 2))),
            ("small", (small,)),
            ("small scratch", (*scratch, small)),
            ("long", (long,)),
        ),
    )
    assert {label: planned.find_control(label) for label in planned.methods} == {
        "adversarial": "scratch",
        "hot": "scratch",
        "scratch": None,
        "scratch again": None,
        "small": "small scratch",
        "small scratch": None,
        "long": None,
    }


def test_whether_a_teacher_is_needed(tmp_path):
    assert rows.plan(tmp_path).needs_teacher
    assert not rows.plan(tmp_path, methods=rows.METHODS[:1]).needs_teacher


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("run.seed", 3, "where runs lie and their seeds are the comparison's"),
        ("data.dataset", "digits", "all methods see the same images"),
        ("teacher.depth", 40, "all methods have the same teacher"),
        ("export.formats", ("tflite_int8",), "that is no part of a method"),
    ],
)
def test_a_method_may_not_change_what_all_share(tmp_path, field, value, reason):
    assert refuse(tmp_path, ("mine", ((field, value),))) == (
        f"The method mine changes {field} to {value}, but {reason}. Expected changes of student, "
        "signal, distillation, discriminator, training. Give the flag to the whole comparison."
    )


def test_a_method_changes_fields_that_there_are_to_values_in_range(tmp_path):
    assert refuse(tmp_path, ("mine", (("student.heigth", 3),))).startswith(
        "Unknown field of student. Expected one of binary_weights, depth, "
    )
    with pytest.raises(ValueError, match="Invalid value for temperature"):
        rows.plan(tmp_path, methods=(("mine", (("distillation.temperature", 0.0),)),))


def test_methods_that_are_the_same_or_share_a_folder(tmp_path):
    advice = "Expected methods that differ, under names that differ in letters or digits."
    assert refuse(tmp_path, ("a", ()), ("b", ())) == f"The methods a and b are the same. {advice}"
    hot = (("distillation.temperature", 9.0),)
    assert refuse(tmp_path, ("T=9", ()), ("t 9", hot)) == (
        f"The methods T=9 and t 9 have the same folder. {advice}"
    )


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("L_S + L_L1 + L_GAN", "l_s-l_l1-l_gan"),
        ("../../x", "x"),
        ("Größe 2", "größe-2"),
        ("+", "method"),
        ("WRN-10-2, T = 4.5", "wrn-10-2-t-4.5"),
    ],
)
def test_a_label_becomes_the_name_of_a_folder(tmp_path, label, name):
    [row] = rows.plan(tmp_path, methods=((label, ()),), seeds=(0,)).rows
    assert row.folder.path == tmp_path / "some" / f"{name}-seed0"
