import json
import os
import pathlib
import sys

from kd_keras import tasks
from kd_keras.config import Compare, Config, Training, from_dictionary

METHODS = (("a", (("distillation.loss", ("logit_l1",)), ("training.epochs", 3))), ("b", ()))


def test_a_task_holds_all_that_the_command_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/main.py", "compare", "--seeds=0,1"])
    training = Training(epochs=5, devices="2,3")
    config = Config(training=training, compare=Compare(methods=METHODS))
    task = tasks.make_task("the teacher", "train_teacher", config, folder=tmp_path / "a/b")
    assert task.name == "the teacher"
    assert task.log_path == tmp_path / "a/b/train_teacher.log"
    assert task.devices == "2,3"
    path = tmp_path / "a/b/train_teacher.task.json"
    assert task.words == (sys.executable, "-m", "kd_keras.worker", str(path))
    written = json.loads(path.read_text())
    assert written["command_line"] == ["compare", "--seeds=0,1"]
    [step] = written["steps"]
    assert step["command"] == "train_teacher"
    assert from_dictionary(step["config"]) == config


def test_further_commands_are_for_the_same_process(tmp_path):
    other = Config(training=Training(epochs=5))
    task = tasks.make_task("a", "distill", Config(), folder=tmp_path, then=[("export", other)])
    assert task.log_path.name == "distill.log"
    first, second = json.loads((tmp_path / "distill.task.json").read_text())["steps"]
    assert (first["command"], second["command"]) == ("distill", "export")
    assert from_dictionary(second["config"]) == other


def test_the_process_finds_this_very_package_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    task = tasks.make_task("a", "distill", Config(), folder=tmp_path)
    first, second = task.environment["PYTHONPATH"].split(os.pathsep)
    assert pathlib.Path(first, "kd_keras", "tasks.py").samefile(tasks.__file__)
    assert second == "/elsewhere"
    monkeypatch.delenv("PYTHONPATH")
    task = tasks.make_task("a", "distill", Config(), folder=tmp_path)
    assert task.environment["PYTHONPATH"] == first
