from kd_keras.report import sections
from tests.report import samples


def test_the_errors_and_the_size_are_at_the_head():
    assert sections.describe_tiles(samples.run_content()) == [
        ("10.00%", "error of the distilled student"),
        ("15.00%", "error of the student from scratch"),
        ("5.00%", "error of the teacher"),
        ("5.0%", "of the teacher's parameters"),
    ]


def test_of_several_runs_the_median_counts():
    tiles = sections.describe_tiles(samples.comparison_content())
    assert tiles[1] == ("12.50%", "median error, scratch")


def test_a_teacher_alone_has_one():
    teacher = samples.contender("teacher", "teacher", errors=(5.0,))
    content = samples.run_content(contenders=(teacher,), subject="teacher", control="")
    assert sections.describe_tiles(content) == [("5.00%", "error of the teacher")]


def test_nothing_finished_has_none():
    content = samples.run_content(contenders=(), subject="", control="")
    assert sections.describe_tiles(content) == []
