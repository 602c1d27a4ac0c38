import shutil

import pytest

from kd_keras import files
from kd_keras.gathering import single
from tests.gathering import folders


@pytest.fixture
def student(tmp_path):
    return folders.make_trio(tmp_path)


def test_a_student_stands_beside_its_control_and_its_teacher(student):
    cast = single.cast_run(student)
    assert {label: c.role for label, c in cast.contenders.items()} == {
        "distilled student": "student",
        "student from scratch": "control",
        "teacher": "teacher",
    }
    assert (cast.title, cast.subject, cast.control, cast.teacher) == (
        "small",
        "distilled student",
        "student from scratch",
        "teacher",
    )
    assert cast.judged_labels == ["student from scratch", "distilled student", "teacher"]
    assert cast.missing == []


def test_a_contender_has_what_its_run_has_left(student):
    contender = single.cast_run(student).contenders["distilled student"]
    assert contender.network == "wide_resnet-10-1"
    assert contender.method == "supervised-logit_l1-adversarial"
    assert contender.errors_percent == (20.0,)
    assert contender.game == "minimax"
    assert len(contender.histories[0]) == 2


def test_a_recipe_is_that_of_every_network(tmp_path):
    recipes = [
        single.cast_run(folders.make_run(tmp_path / str(i), finished=False, **changes))
        .contenders["distilled student"]
        .recipe
        for i, changes in enumerate([{"width": 1}, {"width": 2}, {"temperature": 2.0}])
    ]
    assert recipes[0] == recipes[1]
    assert recipes[0] != recipes[2]


def test_without_a_control_the_page_says_how_to_make_it(student):
    shutil.rmtree(student.parent / "plain")
    cast = single.cast_run(student)
    assert cast.control == ""
    [sentence] = cast.missing
    assert sentence.startswith("No student from scratch lies beside this run")
    assert "--loss= --adversarial_weight=0" in sentence


def test_without_its_teacher_the_page_says_where_it_was(student):
    shutil.rmtree(student.parent / "big")
    cast = single.cast_run(student)
    assert cast.teacher == ""
    told = student.parent / "big" / "teacher.keras"
    assert cast.missing == [
        f"The teacher is not there any more: {told}. Tell its place with --teacher_path."
    ]


def test_the_place_of_a_teacher_can_be_told(student):
    moved = shutil.move(student.parent / "big", student.parent / "moved")
    cast = single.cast_run(student, moved / "teacher.keras")
    assert cast.models["teacher"] == moved / "teacher.keras"
    assert cast.contenders["teacher"].errors_percent == (5.0,)


def test_several_teachers_are_not_shown(tmp_path):
    cast = single.cast_run(folders.make_run(tmp_path / "small", finished=False))
    assert "The student learned from several teachers; a page shows one alone." in cast.missing


def test_a_teacher_without_a_run_is_judged_like_any(tmp_path):
    folders.save_network(tmp_path / "own.keras", 3)
    student = folders.make_run(tmp_path / "runs" / "small", teacher=tmp_path / "own.keras")
    cast = single.cast_run(student)
    assert cast.contenders["teacher"].network == "own"
    assert cast.contenders["teacher"].errors_percent == ()
    assert cast.models["teacher"] == tmp_path / "own.keras"


def test_the_settings_of_another_program_beside_a_teacher_are_no_run(tmp_path):
    folders.save_network(tmp_path / "own.keras", 3)
    files.write_json(tmp_path / "config.json", {"architectures": ["Other"]})
    student = folders.make_run(tmp_path / "runs" / "small", teacher=tmp_path / "own.keras")
    assert single.cast_run(student).contenders["teacher"].network == "own"


def test_a_teacher_of_other_images_is_judged_anew(student):
    path = student.parent / "big" / "config.json"
    facts = files.read_json(path)
    facts["identity"]["data"] = "other images"
    files.write_json(path, facts)
    teacher = single.cast_run(student).contenders["teacher"]
    assert teacher.errors_percent == ()
    assert teacher.figures == {"parameters": 100, "multiply_adds": 1000, "size_bytes": 5000}


@pytest.mark.parametrize(
    ("command", "label"), [("prune", "pruned network"), ("quantize", "network trained for int8")]
)
def test_what_was_made_of_a_network_stands_beside_its_teacher_if_it_has_one(
    command, label, student
):
    teacher = student.parent / "big" / "teacher.keras"
    changed = folders.make_run(student.parent / command, command=command, teacher=teacher)
    cast = single.cast_run(changed)
    assert {name: c.role for name, c in cast.contenders.items()} == {
        label: "student",
        "teacher": "teacher",
    }
    alone = folders.make_run(student.parent / "alone", command=command, **folders.LABELS_ALONE)
    cast = single.cast_run(alone)
    assert list(cast.contenders) == [label]
    assert cast.missing == []


@pytest.mark.parametrize(
    ("command", "label"), [("prune", "pruned teacher"), ("quantize", "teacher trained for int8")]
)
def test_what_was_made_of_a_teacher_says_so(command, label, student):
    changed = folders.make_run(student.parent / command, command=command, **folders.LABELS_ALONE)
    facts = files.read_json(changed / "config.json")
    files.write_json(changed / "config.json", {**facts, "origin": "runs/big/teacher.keras"})
    assert list(single.cast_run(changed).contenders) == [label]


def test_a_control_is_its_own_control(student):
    cast = single.cast_run(student.parent / "plain")
    assert list(cast.contenders) == ["student from scratch"]
    assert cast.control == cast.subject == "student from scratch"
    assert cast.judged_labels == ["student from scratch"]


def test_a_teacher_is_alone(student):
    cast = single.cast_run(student.parent / "big")
    assert list(cast.contenders) == ["teacher"]
    assert (cast.subject, cast.control, cast.missing) == ("teacher", "", [])


def test_an_unfinished_run_says_so(student):
    (student / "metrics.json").unlink()
    (student / "student.keras").unlink()
    cast = single.cast_run(student)
    assert cast.contenders["distilled student"].errors_percent == ()
    assert cast.missing == [
        "The run has not come to its end: 2 of 2 epochs are done, and there is no network to "
        "judge yet. The same command goes on where it was."
    ]
