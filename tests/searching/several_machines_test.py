"""A chief and two workers on one machine, each in a process of its own, as on three."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest

import main
from kd_keras import search

ROOT = pathlib.Path(main.__file__).parent
SMALL = (
    "--dataset=synthetic",
    "--student_depth=10",
    "--student_dropout=0",
    "--teacher_depth=10",
    "--teacher_width=1",
    "--teacher_dropout=0",
    "--batch_size=32",
    "--epochs=40",
    "--learning_rate=0.05",
    "--latency_rounds=2",
    "--oracle=random",
    "--trials=4",
    "--search_axis=student.width=1,2",
    "--search_axis=distillation.temperature=2,4,8",
    "--max_parameters=400000",
    "--run_name=sizes",
)


def start(folder, name, port, *words):
    environment = {
        **os.environ,
        "KERASTUNER_TUNER_ID": name,
        "KERASTUNER_ORACLE_IP": "127.0.0.1",
        "KERASTUNER_ORACLE_PORT": str(port),
    }
    places = (f"--output_directory={folder}", f"--cache_directory={folder}/cache")
    with (folder / f"{name}.txt").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, ROOT / "main.py", "search", *SMALL, *places, *words],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def read(folder, name):
    return (folder / f"{name}.txt").read_text()


def wait_until(holds, what):
    deadline = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


@pytest.mark.slow
def test_a_worker_is_killed_and_the_other_does_its_work(tmp_path):
    port = free_port()
    chief = start(tmp_path, "chief", port)
    first, second = (start(tmp_path, name, port) for name in ("first", "second"))
    processes = (chief, first, second)
    try:
        for name in ("first", "second"):
            wait_until(lambda name=name: "epoch  2/40" in read(tmp_path, name), name)
        second.send_signal(signal.SIGKILL)
        begun = read(tmp_path, "second").partition(": begins")[0][-4:]
        assert first.wait(400) == 0, read(tmp_path, "first")
        assert chief.wait(120) == 0, read(tmp_path, "chief")
    finally:
        for process in processes:
            process.kill()
            process.wait()
    said = read(tmp_path, "chief")
    assert "The worker second has stopped answering; trial " in said
    assert "beaten by none in both validation error and time" in said
    assert "waiting up to 10 min for the chief" in read(tmp_path, "first")
    trials = search.read(tmp_path / "sizes")
    assert [trial.status for trial in trials] == ["finished"] * 4
    log = (tmp_path / "sizes" / begun / "distill.log").read_text()
    assert "Stopped after" in log
    assert "going on after" in log


def test_a_worker_without_a_chief_says_so(tmp_path):
    port = free_port()
    worker = start(tmp_path, "first", port, "--chief_minutes=0")
    assert worker.wait(120) == 2
    said = f"main.py: No chief of the search at 127.0.0.1:{port}: Connection refused. Start it "
    assert read(tmp_path, "first").splitlines()[-1].startswith(said)
