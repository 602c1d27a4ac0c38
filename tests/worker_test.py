"""The worker, on a command of the tests' own; with TensorFlow it runs in `comparison`."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from kd_keras.config import Config

ROOT = pathlib.Path(__file__).parents[1]

# A command that takes the place of distill, in a process without TensorFlow.
SCRIPT = """
import sys, time
from kd_keras import pipeline, worker

def distill(config):
    print(sys.argv, config.training.epochs, flush=True)
    {body}

command = pipeline.Command(distill, ("training",), uses_tensorflow=False)
pipeline.COMMANDS["distill"] = command
sys.exit(worker.main({path!r}))
"""


def start(tmp_path, body, *, stdin=subprocess.PIPE, debug=False, shell=(), steps=1):
    config = Config().to_dictionary()
    config["training"]["epochs"] = 7
    config["run"]["debug"] = debug
    path = tmp_path / "task.json"
    step = {"command": "distill", "config": config}
    task = {"steps": [step] * steps, "command_line": ["compare", "--jobs=2"]}
    path.write_text(json.dumps(task))
    script = SCRIPT.format(body=body, path=str(path))
    return subprocess.Popen(
        [*shell, sys.executable, "-c", script],
        cwd=ROOT,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(tmp_path, body, **words):
    with start(tmp_path, body, **words) as process:
        out = process.stdout.read()
        err = process.stderr.read()
    return process.returncode, out, err


@pytest.mark.parametrize("status", [0, 1])
def test_the_command_gets_its_configuration_and_gives_the_status(tmp_path, status):
    found = run(tmp_path, f"return {status}")
    assert found == (status, "['main.py', 'compare', '--jobs=2'] 7\n", "")


def test_the_next_command_follows_if_all_went_well(tmp_path):
    line = "['main.py', 'compare', '--jobs=2'] 7\n"
    assert run(tmp_path, "return 0", steps=2) == (0, 2 * line, "")
    assert run(tmp_path, "return 1", steps=2) == (1, line, "")


def test_a_mistake_is_a_sentence(tmp_path):
    status, _, err = run(tmp_path, "raise ValueError('Too much.')")
    assert (status, err) == (2, "main.py: Too much.\n")
    status, _, err = run(tmp_path, "raise ValueError('Too much.')", debug=True)
    assert (status, err.splitlines()[-1]) == (1, "ValueError: Too much.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_it_is_told_even_where_interrupts_were_ignored(tmp_path, number):
    shell = ("sh", "-c", "trap '' INT TERM; exec \"$@\"", "sh")
    with start(tmp_path, "time.sleep(60)", shell=shell) as process:
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == 130
        assert "Stopped. The same command goes on" in process.stderr.read()


def test_it_stops_when_the_pipe_from_its_parent_ends(tmp_path):
    with start(tmp_path, "time.sleep(60)") as process:
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(60) == 130


def test_without_a_pipe_it_goes_on_alone(tmp_path):
    body = "time.sleep(0.3); return 0"
    with open(os.devnull) as nothing:
        assert run(tmp_path, body, stdin=nothing)[0] == 0


def test_a_task_that_is_not_there(tmp_path):
    words = [sys.executable, "-m", "kd_keras.worker", str(tmp_path / "none.json")]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, f"main.py: No file at {words[-1]}.\n")
