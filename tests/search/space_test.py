import pytest

from kd_keras.config import Config
from kd_keras.search import parse_all, space

CONDITIONAL = (
    "student.network=wide_resnet,resnet",
    "student.depth=10,16 if student.network=wide_resnet",
    "student.depth=8,14,20 if student.network=resnet",
    "student.width=1,2",
)


def test_a_candidate_is_the_configuration_with_its_values():
    values = {
        "student.depth": 22,
        "run.seed": 3,
        "distillation.loss": "soft_target&logit_l1",
        "training.nesterov": "true",
    }
    config = space.apply(Config(), values)
    assert (config.student.depth, config.run.seed) == (22, 3)
    assert config.distillation.loss == ("soft_target", "logit_l1")
    assert config.training.nesterov is True


def test_values_of_one_section_are_checked_together():
    config = space.apply(Config(), {"training.nesterov": "true", "training.momentum": 0.5})
    assert config.training.momentum == 0.5
    with pytest.raises(ValueError, match=r"^There is no candidate training\.nesterov=true, train"):
        space.apply(Config(), {"training.nesterov": "true", "training.momentum": 0.0})


def test_all_candidates_with_conditions():
    candidates = list(space.enumerate_all(parse_all(CONDITIONAL)))
    assert len(candidates) == space.count(parse_all(CONDITIONAL)) == 2 * (2 + 3)
    assert {"student.network": "resnet", "student.depth": 20, "student.width": 1} in candidates
    without = parse_all(["student.depth=10,16", "student.dropout=0.1,0.2 if student.depth=16"])
    assert {"student.depth": 10} in list(space.enumerate_all(without))
    assert space.count(without) == 3


def test_what_cannot_be_counted():
    assert space.count(parse_all(["student.dropout=0..0.5"])) is None
    assert space.count(parse_all(["student.width=1..8", "student.depth=10,16"]), most=15) is None


def test_every_candidate_is_checked_where_they_can_be_listed():
    assert len(space.check(Config(), parse_all(CONDITIONAL))) == 10
    with pytest.raises(ValueError, match=r"^There is no candidate student\.depth=11: Invalid val"):
        space.check(Config(), parse_all(["student.depth=10..16"]))
    with pytest.raises(ValueError, match=r"training\.nesterov=true, training\.momentum=0: Inval"):
        space.check(Config(), parse_all(["training.nesterov=true", "training.momentum=0,0.1"]))


@pytest.mark.parametrize(
    "texts",
    [
        ["training.learning_rate=0..0.1"],  # the corner
        ["training.learning_rate=0.1..0.2", "student.depth=10,12,16"],  # a value within
        ["training.learning_rate=0.1..0.2", "training.momentum=0..1,step=0.1"],
    ],
)
def test_of_others_the_corners_and_every_listed_value_are_checked(texts):
    with pytest.raises(ValueError, match=r"^There is no candidate"):
        space.check(Config(), parse_all(texts))


def test_many_candidates_are_not_all_made():
    axes = parse_all(["run.seed=0..5000", "student.width=1..8", "student.dropout=0..0.5"])
    assert len(space.check(Config(), axes)) < 5000


def test_values_are_told_apart_by_what_they_are():
    axes = parse_all(
        ["student.dropout=0.1,0.3", "training.learning_rate=0.01..0.3,log", "student.width=1..4"]
    )
    values = {
        "student.width": 2,
        "training.learning_rate": 0.123456789,
        "student.dropout": 0.30000001192092896,
        "tuner/epochs": 3,
    }
    found = space.normalize(axes, values)
    assert found == {
        "student.dropout": 0.3,
        "training.learning_rate": 0.123457,
        "student.width": 2,
    }
    assert list(found) == [axis.field for axis in axes]
    assert space.describe(found) == (
        "student.dropout=0.3, training.learning_rate=0.123457, student.width=2"
    )


def test_values_without_a_meaning_are_left_out():
    axes = parse_all(["student.depth=10,16", "student.dropout=0.1,0.2 if student.depth=16"])
    values = {"student.depth": 10, "student.dropout if student.depth=16": 0.1}
    assert space.normalize(axes, values) == {"student.depth": 10}
    values["student.depth"] = 16
    assert space.normalize(axes, values) == {"student.depth": 16, "student.dropout": 0.1}
