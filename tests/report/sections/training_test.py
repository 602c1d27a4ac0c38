import math

import pytest

from kd_keras.report.sections import training
from tests.report import samples

CHANCE = 2 * math.log(2) + 2 * math.log(3)


def describe_students(*students, **changes):
    content = samples.run_content(
        contenders=students, subject=students[0].label, control="", **changes
    )
    return training.describe(content)


def test_the_line_of_several_runs_is_their_mean_with_a_band():
    runs = [[{"epoch": 1, "a": 1.0}, {"epoch": 2, "a": 5.0}], [{"epoch": 1, "a": 3.0}]]
    line = training.mean_line(runs, "a", scale=lambda a: 2 * a, label="l", colour="student")
    assert line.epochs == (1, 2)
    assert line.values == (4.0, 10.0)
    assert line.band == ((2.0, 10.0), (6.0, 10.0))


def test_one_run_has_no_band_and_no_run_has_no_line():
    assert training.mean_line([[{"epoch": 1, "a": 1.0}]], "a", label="", colour="x").band is None
    assert training.mean_line([[{"epoch": 1}]], "a", label="", colour="x") is None


def test_a_run_is_drawn_beside_its_control_and_without_its_teacher():
    errors, loss = training.describe(samples.run_content()).figures
    [drawing] = errors.drawings
    assert drawing.description == (
        "Error by epoch: distilled student, validation ends at 46.00%; distilled student, "
        "training ends at 50.00%; student from scratch, validation ends at 46.00%; student from "
        "scratch, training ends at 50.00%."
    )
    assert [d.name for d in loss.drawings] == ["discriminator_loss"]
    assert "seeds" not in errors.caption


def test_the_discriminators_loss_is_shown_beside_what_guessing_costs():
    _, loss = training.describe(samples.run_content()).figures
    assert f"a discriminator that guesses, {CHANCE:.2f}" in loss.drawings[0].svg
    assert f"The dotted line, {CHANCE:.2f}, is 2 ln 2" in loss.caption
    assert loss.drawings[0].description == (
        "Discriminator's loss of distilled student: from 3.90 to 3.60."
    )


@pytest.mark.parametrize("game", ["least_squares", "wasserstein"])
def test_a_game_without_probabilities_has_no_chance_level(game):
    student = samples.contender("a", "student", game=game)
    _, loss = describe_students(student).figures
    assert "guesses" not in loss.drawings[0].svg
    assert "nats" not in loss.drawings[0].svg
    assert "dotted" not in loss.caption


def test_the_weight_of_the_label_part_is_in_the_chance_level():
    student = samples.contender("a", "student", game="minimax", label_weight=0.5)
    _, loss = describe_students(student).figures
    assert f"{2 * math.log(2) + math.log(3):.2f}" in loss.caption


def test_a_teachers_own_page_has_its_curve():
    teacher = samples.contender("teacher", "teacher")
    [errors] = describe_students(teacher).figures
    assert "teacher, validation" in errors.drawings[0].description


def test_long_runs_are_drawn_once_more_from_the_middle():
    student = samples.contender("a", "control", histories=(samples.epochs(8),))
    [errors] = describe_students(student).figures
    assert [drawing.name for drawing in errors.drawings] == [
        "errors_by_epoch",
        "errors_by_epoch_late",
    ]
    assert errors.drawings[1].description == "The same after epoch 4."
    assert "second half" in errors.caption


def test_several_methods_have_validation_and_training_apart():
    methods = [samples.contender(f"m{i}", "student", errors=(1.0, 2.0)) for i in range(3)]
    section = describe_students(*methods)
    names = [drawing.name for drawing in section.figures[0].drawings]
    assert names == ["validation_error", "training_error"]
    assert "bands go from the lowest to the highest" in section.figures[0].caption
    assert section.paragraphs == ()


def test_of_many_methods_those_with_the_subjects_network_are_drawn():
    methods = [samples.contender(f"m{i}", "student", network=f"net{i % 2}") for i in range(8)]
    section = describe_students(*methods)
    assert section.paragraphs == ("Of the many students, those with the network net0.",)
    described = section.figures[0].drawings[0].description
    assert "m2" in described
    assert "m3" not in described


def test_a_run_without_validation_has_its_training_error():
    history = tuple({"epoch": e, "accuracy": 0.5} for e in (1.0, 2.0))
    student = samples.contender("a", "control", histories=(history,))
    [errors] = describe_students(student).figures
    assert errors.drawings[0].description == "Error by epoch: a, training ends at 50.00%."


def test_without_an_epoch_there_is_no_section():
    assert describe_students(samples.contender("a", "student", histories=())) is None
