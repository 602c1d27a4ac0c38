import pytest

from kd_keras.report import palette
from kd_keras.report.sections import sizes
from tests.report import samples


def test_errors_are_drawn_over_each_quantity():
    section = sizes.describe(samples.run_content())
    [figure] = section.figures
    assert [drawing.name for drawing in figure.drawings] == [
        "error_over_multiply_adds",
        "error_over_parameters",
        "error_over_latency_milliseconds",
    ]
    assert figure.drawings[1].description == (
        "Error over parameters: distilled student at 1,000, student from scratch at 1,000, "
        "teacher at 20,000."
    )
    assert figure.drawings[2].description.endswith("teacher at 2.00.")
    assert "Time is measured." in figure.caption


def test_the_student_is_told_as_a_share_of_the_teacher():
    [sentence] = sizes.describe(samples.run_content()).paragraphs
    assert sentence == (
        "Distilled student: 5.6% of the teacher's multiply-adds, 5.0% of the teacher's "
        "parameters, 25.0% of the teacher's time."
    )


def test_networks_of_one_size_make_no_figure():
    student, control, _ = samples.run_content().contenders
    content = samples.run_content(contenders=(student, control))
    assert sizes.describe(content) is None


def test_what_was_not_measured_is_left_out():
    methods = [
        samples.contender(
            "a", "student", figures=samples.figures(3.0, parameters=p), network=str(p)
        )
        for p in (10, 20)
    ]
    content = samples.run_content(contenders=tuple(methods), subject="a", timing="")
    [drawing] = sizes.describe(content).figures[0].drawings
    assert drawing.name == "error_over_parameters"
    assert "Time" not in sizes.describe(content).figures[0].caption


def test_a_line_is_named_by_what_the_labels_have_in_common():
    labels = ["WRN-10-1 soft targets", "WRN-10-2 soft targets"]
    assert sizes._common_words(labels) == "soft targets"
    assert sizes._common_words(["scratch small", "scratch large"]) == "scratch"
    assert sizes._common_words(["small", "large"]) == ""


def make(label, network, method, recipe):
    return samples.contender(label, "student", network=network, method=method, recipe=recipe)


@pytest.mark.parametrize(
    ("contenders", "names"),
    [
        ([make("a1", "n1", "m", "r"), make("a2", "n2", "m", "r")], ["m", "m"]),
        ([make("a1", "n1", "m", "r"), make("a2", "n1", "m", "s")], ["a1", "a2"]),
        (
            [make(f"{r}{n}", n, "m", r) for r in "rs" for n in "12"],
            ["m", "m", "m, as s1", "m, as s1"],
        ),
    ],
)
def test_networks_of_one_recipe_are_one_line(contenders, names):
    assert list(sizes._line_names(contenders).values()) == names


def test_a_line_has_the_colour_of_its_first_network():
    methods = [
        samples.contender(
            f"{network}",
            "student",
            network=network,
            method="m",
            figures=samples.figures(3.0, parameters=p),
        )
        for network, p in (("n1", 10), ("n2", 20))
    ]
    content = samples.run_content(contenders=tuple(methods), subject="n1", control="")
    [drawing] = sizes.describe(content).figures[0].drawings
    assert palette.COLOURS["student"][0] in drawing.svg
    assert palette.COLOURS["series_2"][0] not in drawing.svg
