import math

import pytest

from kd_keras import report


def points_of_chance(control, student, examples):
    """1.96 standard deviations of the difference of two proportions, by Agresti and Caffo."""
    variance = 0.0
    for error in (control, student):
        rate = (error / 100 * examples + 1) / (examples + 2)
        variance += rate * (1 - rate) / (examples + 2)
    return 100 * 1.96 * math.sqrt(variance)


@pytest.mark.parametrize(
    ("control", "student", "examples", "words"),
    [
        (6.0, 2.0, 1000, ("gains", "over", "more than")),
        (6.0, 5.9, 1000, ("gains", "over", "no more than")),
        (2.0, 6.0, 1000, ("loses", "against", "more than")),
        (5.9, 6.0, 1000, ("loses", "against", "no more than")),
        (6.0, 6.0, 360, ("gains", "over", "no more than")),
        (100.0, 0.0, 10, ("gains", "over", "more than")),
        (0.0, 0.0, 10, ("gains", "over", "no more than")),
    ],
)
def test_a_sentence_tells_the_gain_and_what_chance_can_do(control, student, examples, words):
    verb, link, measure = words
    chance = points_of_chance(control, student, examples)
    assert report.compare_students(control, student, num_examples=examples) == (
        f"It {verb} {abs(control - student):.2f} points {link} the student from scratch: "
        f"{measure} the {chance:.2f} points that {examples} test images can differ by chance, "
        "in one run."
    )


def test_a_sentence_names_the_images():
    said = report.compare_students(6.0, 2.0, num_examples=1000, judged_on="validation")
    assert said.endswith("points that 1000 validation images can differ by chance, in one run.")


def test_more_images_make_the_same_gain_tell_more():
    few = report.compare_students(6.0, 5.0, num_examples=1000)
    many = report.compare_students(6.0, 5.0, num_examples=100_000)
    assert "no more than" in few
    assert "no more than" not in many


CONTROL = {0: 7.6, 1: 7.5, 2: 7.7, 3: 7.4, 4: 7.6}


def compare(errors, control=CONTROL, **words):
    words = {"control": "from scratch", "num_examples": 10_000, **words}
    return report.compare_methods("mine", errors, control_errors=control, **words)


def shifted(*differences):
    return {seed: CONTROL[seed] - points for seed, points in enumerate(differences)}


@pytest.mark.parametrize(
    ("differences", "sentence"),
    [
        (
            (1.5, 1.6, 1.7, 1.6, 1.6),
            "mine gains 1.60 points over from scratch, 95% interval 1.51 to 1.69, 5 seeds.",
        ),
        (
            (-1.5, -1.6, -1.7),
            "mine loses 1.60 points against from scratch, 95% interval 1.35 to 1.85, 3 seeds.",
        ),
        (
            (0.1, -0.2, 0.25),
            "mine: no difference to from scratch shown: +0.05 points, 95% interval -0.52 to 0.62, "
            "3 seeds.",
        ),
        (
            (-0.1, 0.2, -0.25),
            "mine: no difference to from scratch shown: -0.05 points, 95% interval -0.62 to 0.52, "
            "3 seeds.",
        ),
        (
            (0.5, 0.5),
            "mine gains 0.50 points over from scratch in each of 2 seeds, which gives no interval.",
        ),
    ],
)
def test_a_sentence_on_several_seeds(differences, sentence):
    assert compare(shifted(*differences)) == sentence


@pytest.mark.parametrize(("points", "measure"), [(2.0, "more"), (0.1, "no more")])
def test_a_sentence_on_one_seed_tells_what_the_images_can_do(points, measure):
    chance = points_of_chance(7.6, 7.6 - points, 500_000)
    assert compare({0: 7.6 - points}, num_examples=500_000, judged_on="validation") == (
        f"mine gains {points:.2f} points over from scratch: {measure} than the {chance:.2f} points "
        "that 500000 validation images can differ by chance; one seed has no interval."
    )


def test_a_sentence_on_nothing_yet():
    assert compare({9: 1.0}) == "mine has no finished seed in common with from scratch yet."
