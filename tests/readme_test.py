"""What the README tells a user to type works."""

import ast
import pathlib
import re
import shlex
import types

import keras
import pytest

import flags
from kd_keras import assembly, pipeline, signals

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^python main\.py (\w.*)$", README, re.MULTILINE)


def test_commands_were_found():
    assert {command.split()[0] for command in COMMANDS} >= set(pipeline.COMMANDS) - {"quickstart"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command):
    name, config = flags.parse(
        shlex.split(command), sections=flags.SECTIONS, commands=pipeline.COMMANDS
    )
    assert name == command.split()[0]
    assert config


def test_the_settings_of_the_table_are_understood():
    settings = re.findall(r"^\| .* \| `(--[^`]*)`.* \|$", README, re.MULTILINE)
    assert len(settings) >= 5
    for setting in settings:
        words = ["distill", *shlex.split(setting)]
        if not setting.startswith(("--devices", "--xla", "--precision", "--deterministic")):
            flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)


def test_the_student_can_hear_what_the_table_says(monkeypatch):
    image = keras.Input((4,))
    teacher = keras.Model(image, keras.layers.Dense(20)(keras.layers.Dropout(0.5)(image)))
    monkeypatch.setattr(assembly, "read_teacher", lambda *arguments: (teacher, "teacher.keras"))
    monkeypatch.setattr(assembly, "read_classifier", lambda *arguments: teacher)
    settings = re.findall(r"^\| .* \| `(--teacher_[^`]*)`.* \|$", README, re.MULTILINE)
    assert len(settings) >= 5
    for setting in settings:
        words = ["distill", "--precision=float32", *shlex.split(setting)]
        _, config = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
        # Raises where the signal is not possible with the rest of the setting.
        assert signals.read_teacher(config, types.SimpleNamespace(num_classes=20))[0] is not None


def test_the_files_it_links_to_are_there():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_library_in_ten_lines_runs(tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    statements = ast.parse(code).body
    assert sum(not isinstance(s, ast.Import | ast.ImportFrom) for s in statements) <= 10
    assert "epochs=2" in code
    monkeypatch.chdir(tmp_path)
    exec(compile(code.replace("epochs=2", "epochs=1, verbose=0"), "README.md", "exec"), {})
    assert (tmp_path / "exports" / "tflite_float32.tflite").is_file()
