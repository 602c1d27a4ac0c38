from kd_keras.report.sections import searched
from tests.report import samples


def drawings(content):
    return {d.name: d for figure in searched.describe(content).figures for d in figure.drawings}


def test_a_run_has_no_axes():
    assert searched.describe(samples.run_content()) is None


def test_a_search_has_its_axes_and_the_papers_figure():
    found = drawings(samples.search_content())
    assert list(found) == [
        "axes",
        "depth_and_width_over_latency_milliseconds",
        "depth_and_width_over_parameters",
    ]
    assert found["axes"].description == (
        "A line for each student across depth, width, ms per image, error in %."
    )
    assert found["depth_and_width_over_parameters"].description == (
        "Validation error over parameters: depth 10, width 1: 14.00%; depth 10, width 2: 10.00%; "
        "depth 16, width 1: 12.00%; depth 16, width 2: 8.00%."
    )
    for name in ("width 1", "width 2", "16"):
        assert f">{name}<" in found["depth_and_width_over_parameters"].svg


def test_seeds_are_told():
    assert (
        "medians over the seeds" in searched.describe(samples.search_content()).figures[1].caption
    )


def test_of_one_size_the_best_is_shown():
    rates = (
        samples.tried(10, 1, error, 1.0, values={"training.learning_rate": rate})
        for rate, error in ((0.1, 9.0), (0.2, 8.0))
    )
    others = samples.searched().tried[1:]
    section = searched.describe(samples.search_content(tried=(*rates, *others)))
    assert "Of several students of one size the best is shown." in section.figures[1].caption
    description = section.figures[1].drawings[0].description
    assert "depth 10, width 1: 8.00%" in description
    assert "9.00%" not in description


def test_a_line_is_one_width_of_one_network():
    students = tuple(
        samples.tried(
            depth,
            1,
            error,
            depth / 10,
            label=f"{network}-{depth}-1",
            values={"student.network": network, "student.depth": depth, "student.width": 1},
            parameters=100 * depth,
        )
        for network, depth, error in (
            ("wide_resnet", 10, 9.0),
            ("resnet", 8, 12.0),
            ("wide_resnet", 16, 8.0),
            ("resnet", 20, 10.0),
        )
    )
    content = samples.search_content(tried=students)
    drawing = drawings(content)["depth_and_width_over_parameters"]
    assert drawing.description == (
        "Validation error over parameters: resnet, depth 8, width 1: 12.00%; resnet, depth 20, "
        "width 1: 10.00%; wide_resnet, depth 10, width 1: 9.00%; wide_resnet, depth 16, width 1: "
        "8.00%."
    )
    for name in ("resnet, width 1", "wide_resnet, width 1"):
        assert f">{name}<" in drawing.svg
    assert "a line is one width of one network, and" in (
        searched.describe(content).figures[1].caption
    )


def test_networks_of_one_depth_and_width_are_all_shown():
    students = tuple(
        samples.tried(depth, 1, error, time, values={"student.network": network})
        for network, depth, error, time in (
            ("wide_resnet", 10, 9.0, 1.0),
            ("wide_resnet", 16, 8.0, 2.0),
            ("resnet", 10, 12.0, 0.5),
        )
    )
    drawing = drawings(samples.search_content(tried=students))[
        "depth_and_width_over_latency_milliseconds"
    ]
    assert "resnet, depth 10, width 1: 12.00%;" in drawing.description
    assert "wide_resnet, depth 10, width 1: 9.00%;" in drawing.description


def test_one_width_alone_has_no_such_figure():
    students = tuple(samples.tried(depth, 1, 20.0 - depth, depth / 10) for depth in (10, 16))
    assert list(drawings(samples.search_content(tried=students))) == ["axes"]


def test_values_of_several_parts_are_one():
    students = tuple(
        samples.tried(10, 1, 9.0, 1.0, values={"distillation.loss": loss})
        for loss in (["hint"], ["hint", "logit_l1"])
    )
    assert list(drawings(samples.search_content(tried=students))) == ["axes"]


def test_one_student_has_no_axes():
    assert searched.describe(samples.search_content(tried=samples.searched().tried[:1])) is None
