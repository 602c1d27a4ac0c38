import pytest

from kd_keras.gathering import several
from tests.gathering import folders


@pytest.fixture(scope="module")
def contest(tmp_path_factory):
    """Three methods, one of them with a failed and a missing run, and a teacher beside them."""
    root = tmp_path_factory.mktemp("runs")
    teacher = folders.make_run(root / "big", command="train_teacher", error=5.0, width=2)
    contest = folders.make_comparison(
        root / "contest",
        {
            "plain": (None, (30.0, 32.0, 28.0)),
            "soft": ("plain", (25.0, 24.0, "failed")),
            "learned": ("plain", (20.0, "missing", "missing")),
        },
    )
    terms = {
        "plain": folders.LABELS_ALONE,
        "soft": {"loss": ("soft_target",), "adversarial_weight": 0.0},
        "learned": {},
    }
    finished = {"plain": (30.0, 32.0, 28.0), "soft": (25.0, 24.0), "learned": (20.0,)}
    for label, errors in finished.items():
        for seed, error in enumerate(errors):
            path = None if label == "plain" else teacher / "teacher.keras"
            folder = contest / f"{label}-seed{seed}"
            folders.make_run(folder, error=error, teacher=path, **terms[label])
    return contest


def test_every_method_is_there_with_all_its_runs(contest):
    cast = several.cast_comparison(contest)
    assert [(c.label, c.role, c.errors_percent) for c in cast.contenders.values()] == [
        ("plain", "control", (30.0, 32.0, 28.0)),
        ("soft", "student", (25.0, 24.0)),
        ("learned", "student", (20.0,)),
        ("teacher", "teacher", (5.0,)),
    ]
    assert [len(c.histories) for c in cast.contenders.values()] == [3, 2, 1, 1]


def test_the_page_is_about_the_student_with_the_lowest_error(contest):
    cast = several.cast_comparison(contest)
    assert (cast.title, cast.subject, cast.control) == ("contest", "learned", "plain")


def test_the_run_with_the_median_error_stands_for_a_method(contest):
    records = several.cast_comparison(contest).records
    assert records["plain"].path.name == "plain-seed0"
    assert records["soft"].path.name == "soft-seed1"


def test_runs_that_failed_or_are_missing_are_named(contest):
    assert several.cast_comparison(contest).missing == [
        "soft, seed 2: failed: no memory",
        "learned, seed 1: missing",
        "learned, seed 2: missing",
    ]


def test_a_finished_run_whose_folder_is_gone_is_named(tmp_path):
    contest = folders.make_comparison(tmp_path, {"plain": (None, (30.0, 20.0))})
    folders.make_run(tmp_path / "plain-seed1", error=20.0, **folders.LABELS_ALONE)
    cast = several.cast_comparison(contest)
    assert cast.missing == ["The folder of a finished run is not there any more: plain-seed0."]
    assert cast.contenders["plain"].errors_percent == (20.0,)
    assert cast.subject == "plain"


def test_a_comparison_of_which_nothing_is_finished_is_empty(tmp_path):
    contest = folders.make_comparison(tmp_path, {"plain": (None, ("missing",))})
    cast = several.cast_comparison(contest)
    assert cast.contenders == {}
    assert cast.subject == ""
    assert cast.missing[-1] == "No run of this comparison has come to its end."


def test_a_method_may_be_called_teacher(tmp_path):
    teacher = folders.make_run(tmp_path / "big", command="train_teacher", error=5.0)
    contest = folders.make_comparison(tmp_path / "contest", {"teacher": (None, (10.0,))})
    folders.make_run(contest / "teacher-seed0", teacher=teacher / "teacher.keras")
    cast = several.cast_comparison(contest)
    assert {c.label: c.role for c in cast.contenders.values()} == {
        "teacher": "student",
        "the teacher": "teacher",
    }


def test_another_file_of_that_name_is_refused(tmp_path):
    (tmp_path / "comparison.json").write_text('{"name": "a", "methods": [{"label": "b"}]}')
    with pytest.raises(ValueError, match="Expected a comparison as the command compare writes it"):
        several.cast_comparison(tmp_path)
