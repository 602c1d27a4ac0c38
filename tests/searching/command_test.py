"""The command from end to end, in real processes."""

import csv
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

import main
from kd_keras import groundwork, search
from kd_keras.config import Data, Distillation
from kd_keras.searching import command
from tests.searching import plans

ROOT = pathlib.Path(main.__file__).parent
SMALL = (
    "--dataset=synthetic",
    "--student_depth=10",
    "--student_dropout=0",
    "--batch_size=32",
    "--epochs=1",
    "--learning_rate=0.05",
    "--latency_rounds=2",
    "--oracle=grid",
    "--run_name=sizes",
)
SCRATCH = ("--loss=", "--adversarial_weight=0")
TAUGHT = ("--teacher_depth=10", "--teacher_width=1", "--teacher_dropout=0")


def words_in(folder, *words):
    places = (f"--output_directory={folder}", f"--cache_directory={folder}/cache")
    return ["search", *SMALL, *places, *words]


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search that trains one student and skips a larger one."""
    folder = tmp_path_factory.mktemp("runs")
    words = (*SCRATCH, "--search_axis=student.width=1,2", "--max_parameters=100000")
    assert main.main(words_in(folder, *words)) == 0
    return folder / "sizes"


def test_a_student_is_trained_exported_and_timed(searched):
    trial, skipped = search.read(searched)
    assert (trial.name, trial.status, trial.values) == ("0000", "finished", {"student.width": 1})
    assert 0 <= trial.validation_error_percent <= 100
    latency = trial.latency
    assert latency["runs"] == 40
    assert 0 < latency["median_milliseconds"] <= latency["upper_milliseconds"]
    assert trial.size_bytes == (searched / "0000/exports/tflite_float32.tflite").stat().st_size
    assert trial.multiply_adds > 100_000
    assert (searched / "0000" / "student.keras").is_file()
    assert (skipped.status, skipped.values) == ("skipped", {"student.width": 2})
    assert skipped.reason.endswith(" parameters, more than 100,000")


def test_tables_are_written(searched):
    with (searched / "search.csv").open() as file:
        [row] = list(csv.DictReader(file))
    assert row["rank"] == "0"
    assert "Of 1 student, 1 is beaten by none" in (searched / "search.md").read_text()
    assert search.read_facts(searched)["oracle"] == "grid"


def test_a_mistake_is_said_before_anything_is_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    assert main.main(words_in(tmp_path, "--search_axis=student.depth=10,11")) == 2
    assert capsys.readouterr().err.startswith(
        "main.py: There is no candidate student.depth=11: Invalid value for depth."
    )
    assert main.main(words_in(tmp_path, "--search_axis=student.deep=1")) == 2
    assert "Unknown field of student." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_without_validation_images_nothing_is_trained_and_no_folder_is_made(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("subprocess.Popen", None)
    assert main.main(words_in(tmp_path, *TAUGHT, "--validation_fraction=0")) == 2
    assert capsys.readouterr().err.startswith(
        "main.py: A search chooses by validation images, and synthetic has none."
    )
    assert not list(tmp_path.iterdir())


def test_images_are_looked_at_before_a_teacher_is_trained(tmp_path, monkeypatch):
    data = Data(dataset="image_folder", data_directory=str(tmp_path), validation_fraction=0.0)
    planned = plans.plan(tmp_path, data=data, distillation=Distillation())
    monkeypatch.setattr(groundwork, "find_teacher", None)
    with pytest.raises(FileNotFoundError, match=r"^No folder .*/train"):
        command.prepare(planned, "alone")


@pytest.mark.slow
def test_a_killed_search_goes_on_where_it_was(tmp_path):
    words = words_in(tmp_path, *TAUGHT, "--search_axis=student.width=1,2", "--epochs=30")
    first, second = (tmp_path / "sizes" / name for name in ("0000", "0001"))
    with subprocess.Popen([sys.executable, ROOT / "main.py", *words], cwd=tmp_path) as parent:
        wait_for(second / "distill.log", "epoch  2/30", lambda: parent.poll() is None)
        parent.kill()
    assert parent.returncode == -signal.SIGKILL
    before = (first / "student.keras").stat().st_mtime_ns
    # At once, while the second trial may still be saving.
    assert main.main(words) == 0
    assert (first / "student.keras").stat().st_mtime_ns == before
    assert "Stopped after" in (second / "distill.log").read_text()
    assert "going on after" in (second / "distill.log").read_text()
    assert "built in" not in (second / "distill.log").read_text()
    assert [trial.status for trial in search.read(tmp_path / "sizes")] == ["finished"] * 2


@pytest.mark.slow
def test_a_finished_search_is_timed_again_and_nothing_is_trained(searched, tmp_path, capsys):
    shutil.copytree(searched, tmp_path / "sizes")
    words = (*SCRATCH, "--search_axis=student.width=1,2", "--max_parameters=100000")
    before = json.loads((searched / "search.json").read_text())["trials"][0]
    assert main.main(words_in(tmp_path, *words)) == 0
    after = json.loads((tmp_path / "sizes" / "search.json").read_text())["trials"][0]
    assert {**before, "latency": None} == {**after, "latency": None}
    assert " of 1 the time measured before differs by no more than" in capsys.readouterr().out


@pytest.mark.slow
def test_a_longer_trial_of_hyperband_begins_where_the_shorter_one_ended(tmp_path):
    words = words_in(
        tmp_path,
        *SCRATCH,
        "--search_axis=training.momentum=0.5..0.95",
        "--oracle=hyperband",
        "--schedule=constant",
        "--epochs=3",
        "--trials=5",
    )
    assert main.main(words) == 0
    trials = search.read(tmp_path / "sizes")
    assert {trial.epochs for trial in trials} == {1, 3}
    logs = [
        (tmp_path / "sizes" / trial.name / "distill.log").read_text()
        for trial in trials
        if trial.epochs == 3
    ]
    assert any("going on after epoch 1 of 3" in log for log in logs)


def wait_for(path, text, may_come=lambda: True):
    deadline = time.monotonic() + 240
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < deadline, path
        assert may_come()
        time.sleep(0.1)
