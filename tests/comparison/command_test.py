"""The command from end to end, in real processes: rows, a failure, a kill, and going on."""

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
from kd_keras import machine

ROOT = pathlib.Path(main.__file__).parent
SMALL = (
    "--dataset=synthetic",
    "--teacher=plain_cnn",
    "--teacher_depth=5",
    "--teacher_width=1",
    "--student=plain_cnn",
    "--student_depth=5",
    "--student_width=1",
    "--batch_size=32",
    "--epochs=2",
    "--learning_rate=0.05",
    "--run_name=methods",
    "--seeds=0",
    "--method=from scratch: --loss= --adversarial_weight=0",
    "--method=adversarial:",
)
DAMAGED = "damaged.keras"


def words_in(folder, *words):
    return [
        "compare",
        *SMALL,
        f"--output_directory={folder}",
        f"--cache_directory={folder}/cache",
        *words,
    ]


def read(folder):
    return json.loads((folder / "methods" / "comparison.json").read_text())


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A comparison with one row that fails; its teacher is trained and asked on the way."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / DAMAGED).write_text("damaged")
    path = folder / DAMAGED
    broken = f"--method=broken: --student_path={path} --loss= --adversarial_weight=0"
    assert main.main(words_in(folder, broken, "--jobs=2")) == 1
    return folder


@pytest.fixture
def copied(compared, tmp_path):
    shutil.copytree(compared, tmp_path / "runs")
    return tmp_path / "runs"


def test_a_row_fails_with_its_reason_and_the_others_finish(compared):
    scratch, adversarial, broken = read(compared)["methods"]
    for method in (scratch, adversarial):
        [run] = method["runs"]
        assert run["status"] == "finished"
        assert run["seconds"] > 0
        folder = compared / "methods" / run["folder"]
        assert (folder / "student.keras").is_file()
        assert "epoch 2/2" in (folder / "distill.log").read_text()
    [run] = broken["runs"]
    assert run["status"] == "failed"
    assert DAMAGED in run["reason"]
    assert adversarial["sentence"].endswith("one seed has no interval.")
    assert f"failed: {run['reason']}" in (compared / "methods" / "comparison.md").read_text()
    with (compared / "methods" / "comparison.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6


def test_the_teacher_was_trained_and_asked_once_for_all(compared):
    assert (compared / "synthetic-plain_cnn-5-1-teacher" / "teacher.keras").is_file()
    assert "built in" in (compared / "methods" / "cache.log").read_text()
    log = (compared / "methods" / "adversarial-seed0" / "distill.log").read_text()
    assert "built in" not in log


def test_a_row_records_the_command_and_its_share_of_the_machine(compared):
    record = json.loads((compared / "methods/adversarial-seed0/config.json").read_text())
    assert record["command_line"].startswith("python main.py")
    assert record["threads"] == max(1, machine.count_processors() // 2)
    assert record["config"]["signal"]["source"] == "views"


def test_finished_rows_are_not_run_again(copied, capsys, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*seed0/*")}
    assert main.main(words_in(copied)) == 0
    assert before == {path: path.stat().st_mtime_ns for path in copied.rglob("*seed0/*")}
    said = capsys.readouterr().out
    assert "methods: methods x seeds = 2 x 1 = 2 rows, 2 of them finished" in said
    assert "\nBest on validation, 64 test images:\n" in said
    assert len(read(copied)["methods"]) == 2


@pytest.mark.slow
def test_a_killed_comparison_goes_on_where_it_was(copied):
    words = words_in(copied, "--method=long: --loss= --adversarial_weight=0 --epochs=60")
    row = copied / "methods" / "long-seed0"
    with subprocess.Popen([sys.executable, ROOT / "main.py", *words], cwd=copied) as parent:
        wait_for(row / "distill.log", "epoch  2/60", lambda: parent.poll() is None)
        parent.kill()
    assert parent.returncode == -signal.SIGKILL
    wait_for(row / "distill.log", "Stopped after")
    assert not (row / "metrics.json").exists()
    before = (copied / "methods/adversarial-seed0/student.keras").stat().st_mtime_ns
    assert main.main(words) == 0
    assert "going on after" in (row / "distill.log").read_text()
    assert (copied / "methods/adversarial-seed0/student.keras").stat().st_mtime_ns == before
    *_, method = read(copied)["methods"]
    [run] = method["runs"]
    assert (method["label"], run["status"]) == ("long", "finished")


def wait_for(path, text, may_come=lambda: True):
    deadline = time.monotonic() + 240
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < deadline, path
        assert may_come()
        time.sleep(0.1)


def test_a_mistake_is_said_before_anything_is_run(copied, capsys, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    assert main.main(words_in(copied, "--method=deep: --teacher_depth=8")) == 2
    assert capsys.readouterr().err.startswith("main.py: The method deep changes teacher.depth to")
    assert main.main(words_in(copied, "--weight_decay=0.01")) == 2
    said = capsys.readouterr().err
    assert "belongs to another run" in said
    assert "training.weight_decay (there 0.0001, here 0.01)" in said
