import dataclasses

from kd_keras.report.sections import results
from tests.report import samples


def test_a_run_has_rows_for_the_best_and_the_last_network_of_each():
    section = results.describe(samples.run_content())
    [table] = section.tables
    assert [(row["model"], row["error %"]) for row in table.rows] == [
        ("distilled student, best (epoch 3)", 10.0),
        ("distilled student, last (epoch 4)", 11.0),
        ("student from scratch, best (epoch 3)", 15.0),
        ("student from scratch, last (epoch 4)", 16.0),
        ("teacher, best (epoch 3)", 5.0),
        ("teacher, last (epoch 4)", 6.0),
    ]
    assert table.rows[0]["ms per image"] == 0.5
    assert "s to train" not in table.rows[0]


def test_a_run_is_told_in_sentences():
    first, second = results.describe(samples.run_content()).paragraphs
    assert first == (
        "On 60 test images. The distilled student is wrong on 10.00%; the student from scratch is "
        "wrong on 15.00%; the teacher is wrong on 5.00%."
    )
    assert second.startswith(
        "The distilled student gains 5.00 points over the student from scratch: no more than"
    )


def test_whether_anything_was_chosen_by_the_images_is_told():
    [table] = results.describe(samples.run_content()).tables
    assert table.caption.endswith("nothing was chosen by the images of this table.")
    contenders = [
        dataclasses.replace(c, figures={**c.figures, "judged_on": "validation"})
        for c in samples.run_content().contenders
    ]
    section = results.describe(samples.run_content(contenders=tuple(contenders)))
    assert section.tables[0].caption.endswith(
        "“Best” is the epoch that was best on the validation images; these are they, so that a "
        "little more is to be expected on new ones."
    )
    assert "60 validation images can differ by chance" in section.paragraphs[1]


def test_without_a_control_there_is_no_comparison():
    [student, _, teacher] = samples.run_content().contenders
    content = samples.run_content(contenders=(student, teacher), control="")
    assert len(results.describe(content).paragraphs) == 1


def test_an_unfinished_run_has_no_results():
    unfinished = samples.contender("distilled student", "student", errors=())
    assert results.describe(samples.run_content(contenders=(unfinished,), control="")) is None


def test_a_judged_network_without_a_run_has_no_epoch():
    figures = samples.figures(5.0)
    del figures["best_epoch"], figures["last"]
    teacher = samples.contender("teacher", "teacher", figures=figures)
    student, *_ = samples.run_content().contenders
    section = results.describe(samples.run_content(contenders=(student, teacher), control=""))
    assert [row["model"] for row in section.tables[0].rows][-1] == "teacher"


def test_a_comparison_has_a_table_of_the_best_and_one_of_the_last():
    best, last, runs = results.describe(samples.comparison_content()).tables
    for table in (best, last):
        assert [row["method"] for row in table.rows] == ["teacher", "scratch", "adversarial"]
        assert table.rows[2]["runs"] == "1 of 2"
        assert table.rows[2]["95% interval"] == "+1.50 to +2.50"
    assert "On" not in best.caption.split()[0]
    assert runs.folded
    assert [(row["method"], row["seed"], row["status"], row["reason"]) for row in runs.rows] == [
        ("scratch", 0, "finished", ""),
        ("scratch", 1, "finished", ""),
        ("adversarial", 0, "finished", ""),
        ("adversarial", 1, "failed", "out of memory"),
    ]


def test_three_methods_are_shown_beside_each_other():
    facts = samples.comparison()
    facts["methods"].append(samples.method("soft targets", "scratch", (11.0, 11.5)))
    _best, _last, between, runs = results.describe(
        samples.comparison_content(comparison=facts)
    ).tables
    assert between.caption.startswith("Between methods, best on the validation images.")
    assert [row["method"] for row in between.rows] == ["scratch", "adversarial", "soft targets"]
    assert between.rows[1]["over soft targets"] == "+1.00"
    assert runs.folded


def test_a_comparison_has_its_sentences_and_a_figure():
    section = results.describe(samples.comparison_content())
    assert section.paragraphs == (
        "adversarial gains 2.00 points.",
        "The sections below look closer at adversarial, which has the lowest median error here. "
        "As it was chosen by these images, expect a little more on new ones.",
    )
    [drawing] = section.figures[0].drawings
    assert drawing.description == "Median test errors: scratch 12.50%, adversarial 10.00%."
    assert "dashed: the teacher, 5.00" in drawing.svg


def test_a_comparison_of_which_nothing_is_finished_has_tables_all_the_same():
    content = samples.comparison_content(contenders=(), subject="", control="")
    section = results.describe(content)
    assert section.figures == ()
    assert len(section.tables) == 3


def test_measured_times_are_in_the_table_of_methods():
    content = samples.comparison_content()
    timed = [dataclasses.replace(c, latency_milliseconds=1.5) for c in content.contenders]
    section = results.describe(dataclasses.replace(content, contenders=tuple(timed)))
    assert [row["ms per image"] for row in section.tables[0].rows] == [1.5, 1.5, 1.5]


def test_a_comparison_in_which_nothing_has_finished_names_no_images():
    content = samples.comparison_content()
    facts = {**content.comparison, "judged_on": None, "num_examples": None}
    section = results.describe(dataclasses.replace(content, comparison=facts))
    assert section.tables[0].caption.startswith(
        "The epoch that was best on the validation images, over the seeds "
    )
