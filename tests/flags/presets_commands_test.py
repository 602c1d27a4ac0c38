"""The commands in the first lines of the presets: they parse, and they fit each other."""

import pathlib

import pytest

import flags
from kd_keras import comparison, pipeline, runs, searching

_FOLDER = pathlib.Path(flags.__file__).parent / "presets"
_NAMES = sorted(
    path.relative_to(_FOLDER).with_suffix("").as_posix() for path in _FOLDER.rglob("*.flags")
)
_PROMPT = "# python main.py "

every_preset = pytest.mark.parametrize("name", _NAMES)


def _parse(words):
    return flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)


def _lines(name):
    return (_FOLDER / f"{name}.flags").read_text().splitlines()


def _commands(name):
    lines = [line for line in _lines(name) if line.startswith(_PROMPT)]
    return [line.removeprefix(_PROMPT).split() for line in lines]


def test_presets_were_found():
    assert len(_NAMES) > 70


@every_preset
@pytest.mark.parametrize("command", ["train_teacher", "distill"])
def test_the_file_parses_for_both_commands_unless_it_has_rows_to_distill(name, command):
    words = [command, f"--flagfile={name}"]
    if command == "distill" and any(line.startswith("--method=") for line in _lines(name)):
        with pytest.raises(ValueError, match="Give it to the command compare"):
            _parse(words)
    else:
        assert _parse(words)[0] == command


@every_preset
def test_the_first_line_is_a_command_and_all_commands_read_this_very_file(name):
    assert _lines(name)[0].startswith(_PROMPT)
    for words in _commands(name):
        command, _ = _parse(words)
        assert f"--flagfile={name}" in words or pipeline.COMMANDS[command].preset == name


@pytest.mark.parametrize("name", [name for name in _NAMES if name != "quickstart"])
def test_the_teacher_is_trained_first_where_the_experiment_needs_one(name):
    found = [_parse(words) for words in _commands(name)]
    if found[0][0] in ("compare", "search"):
        expected = [found[0][0]]  # it trains the teacher itself
    elif name.endswith("teacher"):
        expected = ["train_teacher"]
    elif found[-1][1].distillation.needs_teacher:
        expected = ["train_teacher", "distill"]
    else:
        expected = ["distill"]
    assert [command for command, _ in found] == expected


def _experiment_and_folder(command, config):
    """What makes a run this run, and where it lies."""
    teacher = (config.data, config.teacher, config.training, config.run.seed)
    if command == "train_teacher":
        return teacher, runs.teacher_folder(config, config.run.name).path
    if command == "compare":
        return (*teacher, config.compare), comparison.plan(config).path
    if command == "search":
        return (*teacher, config.search), searching.plan(config).path
    method = (config.student, config.distillation, config.discriminator)
    return (*teacher, *method), runs.student_folder(config, config.run.name).path


def test_an_experiment_has_one_folder_and_a_folder_one_experiment():
    folders, experiments = {}, {}
    for name in _NAMES:
        for words in _commands(name):
            experiment, folder = _experiment_and_folder(*_parse(words))
            assert folders.setdefault(experiment, folder) == folder, name
            assert experiments.setdefault(folder, experiment) == experiment, name
    assert len(folders) > 50


@every_preset
def test_the_student_finds_the_teacher_where_it_was_trained(name):
    found = [_parse(words) for words in _commands(name)]
    trained = [_experiment_and_folder(*pair)[1] for pair in found if pair[0] == "train_teacher"]
    sought = [runs.teacher_folder(config).path for command, config in found if trained]
    assert set(trained) == set(sought)
