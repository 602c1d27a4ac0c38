import dataclasses
import errno
import os
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

import main
from kd_keras import config

ROOT = pathlib.Path(main.__file__).parent


@pytest.fixture
def put_command(monkeypatch):
    """Puts a function in the place of the command distill."""

    def put(function):
        command = dataclasses.replace(main.pipeline.COMMANDS["distill"], function=function)
        monkeypatch.setitem(main.pipeline.COMMANDS, "distill", command)

    return put


def raise_error(error):
    def function(config):
        raise error

    return function


@pytest.mark.parametrize("status", [0, 1])
def test_a_command_gets_the_configuration_and_gives_the_status(put_command, status):
    received = []

    def function(given):
        received.append(given)
        return status

    put_command(function)
    assert main.main(["distill", "--epochs=3"]) == status
    assert received == [config.Config(training=config.Training(epochs=3))]


def test_help_is_printed_on_standard_output(capsys):
    assert main.main(["--help"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("python main.py COMMAND [--flag=value ...]\n")
    assert printed.err == ""


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Wrong value."),
        TypeError("Wrong type."),
        FileNotFoundError("No teacher."),
        ConnectionError("No server."),
        OSError("No space."),
        ArithmeticError("Not finite."),
    ],
)
def test_a_mistake_is_one_line_on_standard_error(put_command, capsys, error):
    put_command(raise_error(error))
    assert main.main(["distill"]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"main.py: {error}\n")


@pytest.mark.parametrize("word", ["--debug", "--debug=true", "-debug"])
def test_debug_shows_where_a_mistake_was_found(put_command, word):
    put_command(raise_error(ValueError("Wrong value.")))
    with pytest.raises(ValueError, match="Wrong value"):
        main.main(["distill", word])
    with pytest.raises(ValueError, match="Invalid value for epochs"):
        main.main(["distill", "--debug", "--epochs=x"])


@pytest.mark.parametrize("words", [["--nodebug"], ["--debug", "--debug=false"]])
def test_without_debug_nothing_is_shown(put_command, words):
    put_command(raise_error(ValueError("Wrong value.")))
    assert main.main(["distill", *words]) == 2


def test_an_error_that_is_no_mistake_of_the_user_is_not_hidden(put_command):
    put_command(raise_error(KeyError("a")))
    with pytest.raises(KeyError):
        main.main(["distill"])


def test_an_error_of_tensorflow_that_is_no_mistake_here_is_a_sentence(put_command, capsys):
    put_command(raise_error(tf.errors.DataLossError(None, None, "corrupted record at 0")))
    assert main.main(["distill"]) == 2
    assert capsys.readouterr().err == (
        "main.py: Cannot read or write a file: corrupted record at 0.\n"
    )
    put_command(raise_error(tf.errors.InvalidArgumentError(None, None, "Incompatible shapes")))
    with pytest.raises(tf.errors.InvalidArgumentError):
        main.main(["distill"])


def test_control_c(put_command, capsys):
    put_command(raise_error(KeyboardInterrupt()))
    assert main.main(["distill"]) == 130
    assert capsys.readouterr().err == "\nStopped. The same command goes on where it was.\n"


def run_python(*words, directory):
    return subprocess.run(
        [sys.executable, *words], cwd=directory, capture_output=True, text=True, check=False
    )


def test_the_program_ends_with_its_status_from_any_directory(tmp_path):
    wrong = run_python(ROOT / "main.py", "distill", "--epochs=0", directory=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert wrong.stderr == (
        "main.py: Invalid value for epochs. Expected a number above 0. Received: 0. (--epochs)\n"
    )


WITHOUT_TENSORFLOW = """
import sys
import main

for words, status in [
    (["--help"], 0),
    (["quickstart", "--help"], 0),
    (["distil"], 2),
    (["distill", "--epoch=3"], 2),
    (["distill", "--epochs=x"], 2),
    (["distill", "--epochs=0"], 2),
    (["distill", "--student_depth=17"], 2),
    (["distill", "--loss=soft_targets"], 2),
    (["distill", "--flagfile=nowhere"], 2),
    (["train_teacher", "--student_depth=10"], 2),
    (["compare", "--method=hot: --temprature=9"], 2),
    (["compare", "--method=deep: --teacher_depth=40"], 2),
]:
    assert main.main(words) == status, words
    # The modules that are loaded on first use have a place in sys.modules, but no submodules yet.
    loaded = [name for name in sys.modules if name.startswith(("tensorflow.", "keras."))]
    assert not loaded, (words, loaded)
"""


def test_help_and_mistakes_do_not_wait_for_tensorflow():
    result = run_python("-c", WITHOUT_TENSORFLOW, directory=ROOT)
    assert result.returncode == 0, result.stderr


def test_the_flags_alone_know_nothing_of_tensorflow():
    script = (
        "import sys, flags\n"
        "assert flags.SECTIONS\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    result = run_python("-c", script, directory=ROOT)
    assert result.returncode == 0, result.stderr


def test_an_error_of_the_disk_is_a_sentence(put_command, capsys):
    put_command(raise_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/last.npz")))
    assert main.main(["distill"]) == 2
    assert capsys.readouterr().err == (
        "main.py: Cannot read or write runs/last.npz: No space left on device. What was complete "
        "is still there; the same command goes on where it was.\n"
    )
