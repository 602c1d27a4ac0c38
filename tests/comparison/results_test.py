import dataclasses
import json
import zipfile

import pytest

from kd_keras import comparison, files, intervals
from tests.comparison import rows

ERRORS = {
    ("from scratch", 0): 7.6,
    ("from scratch", 1): 7.5,
    ("from scratch", 2): 7.7,
    ("adversarial", 0): 6.0,
    ("adversarial", 1): 6.1,
    ("adversarial", 2): 6.1,
}


@pytest.fixture
def planned(tmp_path):
    """A comparison of which all rows are finished."""
    planned = rows.plan(tmp_path, seeds=(0, 1, 2))
    for row in planned.rows:
        rows.finish(row, ERRORS[row.label, row.seed], last=ERRORS[row.label, row.seed] + 1)
    return planned


def test_a_comparison_has_exactly_this_shape(tmp_path, planned):
    found = comparison.gather(planned, tmp_path / "teacher.keras", {})
    scratch, adversarial = found.pop("methods")
    assert found.pop("command_line").startswith("python ")
    assert found == {
        "name": "some",
        "teacher": str(tmp_path / "teacher.keras"),
        "seeds": [0, 1, 2],
        "judged_on": "test",
        "num_examples": 1000,
    }
    assert (scratch["label"], scratch["control"]) == ("from scratch", None)
    assert scratch["best"]["gain"] is scratch["last"]["gain"] is None
    assert list(adversarial) == [
        "label",
        "control",
        "runs",
        "best",
        "last",
        "parameters",
        "multiply_adds",
        "size_bytes",
        "sentence",
    ]
    assert adversarial["control"] == "from scratch"
    assert adversarial["runs"][1] == {
        "seed": 1,
        "folder": "adversarial-seed1",
        "status": "finished",
        "reason": None,
        "best_error_percent": 6.1,
        "last_error_percent": 7.1,
        "best_epoch": 2,
        "seconds": 60.0,
    }
    assert (adversarial["parameters"], adversarial["size_bytes"]) == (1_000, 3_000)
    assert json.loads(json.dumps(found)) == found


def test_figures_and_sentences_are_those_of_the_report(tmp_path, planned):
    scratch, adversarial = comparison.gather(planned, None, {})["methods"]
    by_method = {
        label: {seed: error for (name, seed), error in ERRORS.items() if name == label}
        for label in ("from scratch", "adversarial")
    }
    control, mine = by_method.values()
    assert adversarial["best"] == {
        **intervals.summarize_errors(list(mine.values())),
        "gain": intervals.paired_gain(control, mine),
    }
    assert adversarial["last"]["median"] == pytest.approx(7.1)
    assert scratch["sentence"] == "from scratch is trained on labels alone: a control."
    assert adversarial["sentence"] == (
        "adversarial gains 1.53 points over from scratch, 95% interval 1.25 to 1.82, 3 seeds."
    )


def test_rows_that_failed_or_are_missing_are_told_and_left_out(tmp_path, planned):
    for row in planned.rows[3:]:
        row.folder.metrics_path.unlink()
    failures = {("adversarial", 1): "No space."}
    scratch, adversarial = comparison.gather(planned, None, failures)["methods"]
    assert [run["status"] for run in scratch["runs"]] == ["finished", "finished", "missing"]
    first, failed, missing = adversarial["runs"]
    assert (first["status"], first["reason"]) == ("finished", None)
    assert (failed["status"], failed["reason"]) == ("failed", "No space.")
    assert (missing["status"], missing["best_error_percent"]) == ("missing", None)
    assert adversarial["best"]["gain"] == {
        "mean": pytest.approx(1.6),
        "low": None,
        "high": None,
        "num_seeds": 1,
    }
    assert adversarial["sentence"].endswith("one seed has no interval.")


def test_before_anything_has_finished(tmp_path):
    found = comparison.gather(rows.plan(tmp_path), None, {})
    assert (found["judged_on"], found["num_examples"], found["teacher"]) == (None, None, None)
    scratch, adversarial = found["methods"]
    assert set(scratch["best"].values()) == {None}
    assert adversarial["parameters"] is None
    assert adversarial["sentence"] == (
        "adversarial has no finished seed in common with from scratch yet."
    )


def test_a_method_without_a_control_says_so(tmp_path):
    planned = rows.plan(tmp_path, methods=(("mine", ()),), seeds=(0,))
    rows.finish(planned.rows[0], 5.0)
    [mine] = comparison.gather(planned, None, {})["methods"]
    assert (mine["control"], mine["best"]["gain"]) == (None, None)
    assert mine["sentence"] == (
        "mine has no control: no method of this comparison trains the same student by the same "
        "recipe on labels alone."
    )


@pytest.mark.parametrize("name", ["data", "teacher"])
def test_runs_on_other_images_or_of_another_teacher_do_not_compare(tmp_path, planned, name):
    rows.finish(planned.rows[3], 5.0, **{name: "other"})
    with pytest.raises(ValueError, match="do not compare") as caught:
        comparison.gather(planned, None, {})
    assert str(caught.value).startswith(
        f"Two runs do not compare: they differ in the {name}. Expected {name[0]}, as in "
        f"{planned.path}"
    )


def test_runs_of_machines_that_chose_another_precision_do_not_compare(tmp_path, planned):
    rows.finish(planned.rows[3], 5.0, precision="mixed_bfloat16")
    with pytest.raises(ValueError, match=r"differ in the precision \(auto\)\. Expected float32"):
        comparison.gather(planned, None, {})


def test_three_files_are_written_with_the_teachers_figures(tmp_path, planned):
    path = rows.write_teacher(tmp_path)
    figures = {"top1_error_percent": 4.19}
    sizes = {"parameters": 5, "multiply_adds": 6}
    files.write_json(tmp_path / "metrics.json", {"best": figures, "last": figures, **sizes})
    text = comparison.write(planned, path, {})
    written = {p.name for p in planned.path.iterdir() if p.is_file()}
    assert written == {"comparison.json", "comparison.md", "comparison.csv"}
    assert files.read_json(planned.path / "comparison.json") == comparison.gather(planned, path, {})
    markdown = (planned.path / "comparison.md").read_text()
    for shown in (text, markdown):
        assert "4.19" in shown
        assert "adversarial gains 1.53 points" in shown
    assert "from scratch,best," in (planned.path / "comparison.csv").read_text()


def test_a_teacher_of_ones_own_has_no_figures(tmp_path, planned):
    assert "teacher " not in comparison.write(planned, rows.write_teacher(tmp_path), {})


def test_of_a_teacher_that_was_judged_on_other_images_no_error_is_shown(tmp_path, planned):
    path = rows.write_teacher(tmp_path)
    figures = {"top1_error_percent": 4.19}
    sizes = {"parameters": 5, "multiply_adds": 6}
    files.write_json(tmp_path / "metrics.json", {"best": figures, "last": figures, **sizes})

    def shown():
        return comparison.write(planned, path, {}) + (planned.path / "comparison.md").read_text()

    files.write_json(tmp_path / "config.json", {"identity": {"data": "d"}})
    assert "4.19" in shown()
    files.write_json(tmp_path / "config.json", {"identity": {"data": "another"}})
    assert "4.19" not in shown()
    (tmp_path / "config.json").unlink()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("about.json", json.dumps({"fingerprint": {"data": "another"}}))
    assert "4.19" not in shown()


def test_the_advice_for_a_run_of_an_earlier_comparison_is_to_go_on(tmp_path, planned):
    earlier = rows.plan(tmp_path, name="earlier").rows[3]
    rows.finish(earlier, 5.0, data="other")
    adopted = dataclasses.replace(planned, rows=(*planned.rows[:3], earlier))
    with pytest.raises(ValueError, match="do not compare") as caught:
        comparison.gather(adopted, None, {})
    assert "Give the same command again" in str(caught.value)
