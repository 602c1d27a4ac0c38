"""What the README tells a user to type works."""

import ast
import pathlib
import re
import shlex

import pytest

import flags
from kd_keras import pipeline

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
