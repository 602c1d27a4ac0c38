import pytest

from kd_keras.search import Axis, axes


def test_the_values_of_a_range_of_whole_numbers():
    axis = Axis(field="student.width", kind="integer", low=1, high=8, step=3)
    assert axis.values == (1, 4, 7)
    assert axis.ends == (1, 7)
    assert axis.text == "1..8,step=3"


def test_a_step_of_a_logarithmic_axis_is_a_ratio():
    axis = Axis(field="student.width", kind="integer", low=1, high=16, step=2, logarithmic=True)
    assert axis.values == (1, 2, 4, 8, 16)
    assert axis.text == "1..16,log,step=2"


def test_a_logarithmic_axis_of_whole_numbers_without_a_step_has_all_of_them():
    axis = Axis(field="student.width", kind="integer", low=2, high=5, logarithmic=True)
    assert axis.values == (2, 3, 4, 5)


def test_steps_of_numbers_are_round():
    axis = Axis(field="student.dropout", kind="float", low=0.0, high=0.5, step=0.1)
    assert axis.values == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


def test_what_cannot_be_listed():
    axis = Axis(field="training.learning_rate", kind="float", low=0.01, high=0.3)
    assert axis.values is None
    assert axis.ends == (0.01, 0.3)
    long = Axis(field="run.seed", kind="integer", low=0, high=10**6)
    assert long.values is None


def test_a_condition():
    axis = Axis(
        field="training.momentum",
        kind="choice",
        choices=(0.8, 0.9),
        parent="student.width",
        parent_choices=(1, 2),
    )
    assert axis.name == "training.momentum if student.width=1,2"
    assert axis.is_active({"student.width": 2})
    assert not axis.is_active({"student.width": 4})
    assert not axis.is_active({})


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("students.depth", "Unknown section of search_axis. Expected one of discriminator, "),
        ("student.deep", "Unknown field of student. Expected one of "),
        (
            "data.dataset",
            "The search cannot vary data.dataset, because all students are judged on the same "
            "images. Expected a field of student, signal, distillation, discriminator, training, "
            "or one of run.seed, data.crop_padding, ",
        ),
        ("run.name", "The search cannot vary run.name, because where the trials lie is the "),
        ("teacher.depth", "The search cannot vary teacher.depth, because all students have the "),
        ("export.formats", "The search cannot vary export.formats, because that is no part of a "),
    ],
)
def test_a_field_that_cannot_be_searched(field, said):
    with pytest.raises(ValueError, match="Expected") as caught:
        axes.type_of(field)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("student.depth", 16, 16),
        ("training.nesterov", "false", False),
        ("distillation.loss", "", ()),
        ("distillation.loss", "soft_target:0.9", ("soft_target:0.9",)),
        ("training.learning_rate_drops", "3 & 5", (3, 5)),
        ("training.schedule", "cosine", "cosine"),
    ],
)
def test_values_of_the_configuration(field, value, expected):
    assert axes.convert(field, value) == expected


def test_a_value_of_another_type():
    with pytest.raises(ValueError, match=r"^Invalid value for training\.nesterov\. Expected true"):
        axes.convert("training.nesterov", "maybe")
    with pytest.raises(ValueError, match=r"Expected a whole number\. Received: x\."):
        axes.convert("training.learning_rate_drops", "3&x")
