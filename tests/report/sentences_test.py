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


def test_more_images_make_the_same_gain_tell_more():
    few = report.compare_students(6.0, 5.0, num_examples=1000)
    many = report.compare_students(6.0, 5.0, num_examples=100_000)
    assert "no more than" in few
    assert "no more than" not in many
