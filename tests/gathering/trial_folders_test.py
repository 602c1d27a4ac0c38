import re

import pytest

from kd_keras import files, search
from kd_keras.gathering import trial_folders
from tests.gathering import folders
from tests.search.trials import make_trial


def test_a_trial_is_named_by_the_size_that_all_share(tmp_path):
    folders.make_run(tmp_path / "trials/0001", finished=False, width=3)
    trial = make_trial(16, 1, 9.0, folder="trials/0001", values={"training.momentum": 0.8})
    search.write(tmp_path, [trial, make_trial(10, 1, 8.0)])
    named, other = trial_folders.read_search(tmp_path)
    assert named.values == {
        "student.network": "wide_resnet",
        "student.depth": 10,
        "student.width": 3,
        "training.momentum": 0.8,
    }
    assert search.name_candidate(named.values) == "WRN-10-3, momentum 0.8"
    assert other.values == {"student.depth": 10, "student.width": 1}  # its folder is not there


def test_runs_of_a_comparison_are_trials(tmp_path):
    root = folders.make_comparison(tmp_path, {"a": (None, (20.0, "failed", "missing"))})
    folders.make_run(root / "a-seed0", finished=False)
    files.write_json(root / "a-seed0/metrics.json", {"best_epoch": 2, "epochs": 2})
    trials, facts = trial_folders.read_comparison(root)
    assert [trial.status for trial in trials] == ["finished", "failed", "skipped"]
    assert trials[0].validation_error_percent == pytest.approx(37.5)  # of the second epoch
    assert trials[0].test_error_percent == 20.0
    assert trials[0].values["method"] == "a"
    assert [trial.reason for trial in trials] == ["", "no memory", "It has not been run."]
    assert list(facts) == ["a, seed 0"]


def test_a_run_without_validation_images_has_no_error_to_choose_by(tmp_path):
    root = folders.make_comparison(tmp_path, {"a": (None, (20.0,))})
    folders.make_run(root / "a-seed0", finished=False)
    (root / "a-seed0/history.csv").write_text("epoch,accuracy\n1,0.5\n")
    [trial], _ = trial_folders.read_comparison(root)
    assert trial.validation_error_percent is None


def test_a_folder_that_is_gone_is_told(tmp_path):
    root = folders.make_comparison(tmp_path, {"a": (None, (20.0,))})
    [trial], facts = trial_folders.read_comparison(root)
    assert trial.status == "failed"
    assert trial.reason.startswith("No run in ")
    assert facts == {}


def test_damaged_files_are_told(tmp_path):
    files.write_json(tmp_path / "comparison.json", {"methods": [{}]})
    sentence = "Expected a comparison as the command compare writes it. Received: one without "
    with pytest.raises(ValueError, match=re.escape(sentence)):
        trial_folders.read_comparison(tmp_path)
    with pytest.raises(ValueError, match="Expected the record of a student's run"):
        trial_folders.recorded_student({"config": {}})


def test_a_student_of_a_file_is_named_by_the_file(tmp_path):
    root = folders.make_comparison(tmp_path, {"a": (None, (20.0,))})
    folders.make_run(root / "a-seed0", finished=False)
    facts = files.read_json(root / "a-seed0/config.json")
    facts["config"]["student"]["path"] = "mine/small.keras"
    files.write_json(root / "a-seed0/config.json", facts)
    [trial], _ = trial_folders.read_comparison(root)
    assert search.name_candidate(trial.values) == "small, method a"
