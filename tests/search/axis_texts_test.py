import pytest

from kd_keras.search import axis_texts, parse_all


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("student.depth=10,16,22", "choice", (10, 16, 22)),
        ("student.width=1..4", "integer", (1, 2, 3, 4)),
        ("student.dropout=0..0.2,step=0.1", "float", (0.0, 0.1, 0.2)),
        ("training.learning_rate=0.01,0.1", "choice", (0.01, 0.1)),
        ("training.learning_rate=0.01..0.3,log", "float", None),
        ("training.nesterov=true,false", "choice", ("true", "false")),
        ("distillation.loss=soft_target, soft_target&logit_l1", "choice", None),
        ("student.path=../a.keras,../b.keras", "choice", ("../a.keras", "../b.keras")),
    ],
)
def test_an_axis_is_read_and_written_alike(text, kind, values):
    axis = axis_texts.parse(text)
    assert axis.kind == kind
    if values:
        assert axis.values == values
    assert axis_texts.parse(f"{axis.field}={axis.text}") == axis


def test_a_condition_is_of_the_type_of_its_field():
    axes = parse_all(["student.width=1,2,4", "training.momentum=0.8,0.9 if student.width=1,2"])
    assert axes[1].parent_choices == (1, 2)
    assert axes[1].text == "0.8,0.9"


def test_of_two_for_one_field_the_later_counts():
    [axis] = parse_all(["student.width=1,2", "student.width=1..8"])
    assert axis.text == "1..8"


def test_two_conditions_that_exclude_each_other():
    axes = parse_all(
        [
            "student.network=wide_resnet,resnet",
            "student.depth=10,16 if student.network=wide_resnet",
            "student.depth=8,14 if student.network=resnet",
        ]
    )
    assert [axis.field for axis in axes[1:]] == ["student.depth", "student.depth"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["student.depth"], "Invalid value for search_axis. Expected SECTION.FIELD=A,B,C, "),
        (["student.depth="], "Invalid value for search_axis. "),
        (["student.depth=10,x"], "Invalid value for student.depth. Expected a whole number. Rec"),
        (["student.depth=10,10"], "Invalid axis student.depth. Expected each value once. "),
        (["student.dropout=0..nan"], "Invalid value for student.dropout. Expected a number. Rec"),
        (
            ["student.width=4..1"],
            "Invalid range of the axis student.width. Expected LOW..HIGH with LOW below HIGH. "
            "Received: 4..1.",
        ),
        (["student.dropout=0..1,log"], "Invalid range of the axis student.dropout. Expected numb"),
        (["student.width=1..8,log,step=1"], "Invalid range of the axis student.width. Expected a "),
        (["student.width=1..8,step=0"], "Invalid range of the axis student.width. Expected a ste"),
        (
            ["student.width=1..8,linear"],
            "Invalid option of the axis student.width. Expected log or step=NUMBER. Received: "
            "linear.",
        ),
        (
            ["student.width=1,2 if student.depth=10"],
            "The axis student.width depends on student.depth, which is no axis before it. "
            "Expected --search_axis=student.depth=... before --search_axis=student.width=...",
        ),
        (
            [
                "student.network=wide_resnet,resnet",
                "student.depth=10,16 if student.network=wide_resnet",
                "student.depth=8,14 if student.network=resnet",
                "student.width=1,2 if student.depth=16",
            ],
            "The axis student.width depends on student.depth, for which there are several axes. ",
        ),
        (
            ["student.depth=10,16", "student.width=1,2 if student.depth=22"],
            "The axis student.width depends on student.depth=22, which is never taken. Expected "
            "some of 10, 16.",
        ),
        (
            ["student.depth=10,16", "student.width=1,2", "student.width=4 if student.depth=10"],
            "There are two axes for one field: student.width and student.width if "
            "student.depth=10. Expected conditions on one field with different values",
        ),
    ],
)
def test_what_is_not_understood(texts, said):
    with pytest.raises(ValueError, match="Expected") as caught:
        parse_all(texts)
    assert str(caught.value).startswith(said)
