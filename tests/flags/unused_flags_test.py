"""Flags that a command leaves out of a section that it reads, and values that nobody gave."""

import pytest

import flags
from kd_keras import pipeline


def refuse(*words):
    with pytest.raises(ValueError, match="-") as caught:
        flags.parse(list(words), sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    return str(caught.value)


def ask_for_help(command):
    with pytest.raises(flags.Help) as caught:
        flags.parse([command, "--help"], sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    return str(caught.value)


_FINISHED = "It names what is to be made; what is finished is named by --run."
_SPLIT = "Those that do are evaluate and export."


@pytest.mark.parametrize(
    ("command", "flag", "advice"),
    [
        ("choose", "run_name", _FINISHED),
        ("evaluate", "run_name", _FINISHED),
        ("report", "run_name", _FINISHED),
        ("choose", "split", _SPLIT),
        ("prune", "split", _SPLIT),
        ("report", "split", _SPLIT),
        ("choose", "model", "The file of one network is timed by export."),
        ("report", "model", "Its page is of what --run names."),
        ("choose", "student_depth", "The depths to choose from are --student_depths."),
        ("choose", "student_width", "The widths to choose from are --student_widths."),
        (
            "choose",
            "student_path",
            "It chooses among sizes of --student; the file of one network is timed by export.",
        ),
    ],
)
def test_a_flag_that_other_commands_use_of_the_same_section(command, flag, advice):
    assert refuse(command, f"--{flag}=20") == (
        f"{command} does not use --{flag}. {advice} See python main.py {command} --help."
    )
    assert f"--{flag} " not in ask_for_help(command)


def test_every_command_that_does_not_use_a_flag_would_read_its_section():
    for section in flags.SECTIONS:
        for flag in section.flags:
            for command in flag.unused_by:
                assert section.name in pipeline.COMMANDS[command].sections, (command, flag.name)


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (["distill"], "Received: 10, the default. The nearest: 8 and 14. (--student_depth)"),
        (
            ["choose"],
            "Received: 10, the default. The nearest: 8 and 14. The depths to choose from are "
            "--student_depths.",
        ),
        (
            ["choose", "--student_depths=9,11"],
            "Received: 9. The nearest: 8 and 14. The depths to choose from are --student_depths.",
        ),
    ],
)
def test_a_depth_that_was_not_given_is_called_the_default(words, end):
    assert refuse(*words, "--student=resnet") == (
        f"Invalid value for depth. Expected 6n + 2 (8, 14, 20, 26, 32, 38, ...). {end}"
    )


def test_another_mistake_than_the_depth_is_told_as_it_is():
    assert refuse("distill", "--student_dropout=10") == (
        "Invalid value for dropout. Expected a number from 0 up to but not including 1. "
        "Received: 10.0. (--student_dropout)"
    )
