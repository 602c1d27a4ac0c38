"""Promise: two hosts train what one process trains, and go on after one of them was lost.

The hosts are two processes on one machine, with addresses of their own, as on two.
"""

import csv
import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import main
from kd_keras import data

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(main.__file__).parent
SHAPE = data.load("synthetic").image_shape

# Nine steps an epoch and validation; no dropout, because each device draws its own masks.
RECIPE = (
    "--dataset=synthetic",
    "--flip=yes",
    "--batch_size=24",
    "--learning_rate=0.02",
    "--precision=float32",
    "--xla=no",
    "--run_name=run",
)
EPOCHS = "--epochs=6"
OFTEN = "--checkpoint_minutes=0.001"


def save_network(path, filters, *, seed):
    keras.utils.set_random_seed(seed)
    image = keras.Input(SHAPE)
    x = keras.layers.Rescaling(1 / 60, -2.0)(image)
    x = keras.layers.Conv2D(filters, 3, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(image, keras.layers.Dense(4)(x)).save(path)


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """The words of the two commands, on small networks."""
    folder = tmp_path_factory.mktemp("networks")
    save_network(folder / "teacher.keras", 6, seed=1)
    save_network(folder / "student.keras", 4, seed=2)
    teacher = f"--teacher_path={folder / 'teacher.keras'}"
    student = f"--student_path={folder / 'student.keras'}"
    game = "--discriminator_dropout=0"
    return {
        "train_teacher": ("train_teacher", teacher, *RECIPE),
        "distill": ("distill", teacher, student, game, *RECIPE),
    }


class Host:
    """One process of the program; what it says is in a file."""

    def __init__(self, folder, words, *, cluster=None, index=0):
        self.folder = folder / f"host{index}"
        self.temporary = self.folder / "temporary"
        self.temporary.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TMPDIR": str(self.temporary)}
        if cluster:
            task = {"type": "worker", "index": index}
            environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": cluster}, "task": task})
        places = [f"--{kind}_directory={self.folder / kind}" for kind in ("output", "cache")]
        with (self.folder / "said.txt").open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, ROOT / "main.py", *words, *places],
                env=environment,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self):
        return (self.folder / "said.txt").read_text()

    @property
    def run(self):
        """The run's folder, which the chief alone has."""
        return self.folder / "output" / "run"

    def end(self, seconds=600):
        """The exit status, at its end."""
        return self.process.wait(seconds)

    def wait_until(self, text):
        deadline = time.monotonic() + 600
        while text not in self.said:
            assert time.monotonic() < deadline, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.1)

    def says_last(self):
        assert "Traceback" not in self.said
        return self.said.splitlines()[-1]


@pytest.fixture
def start(tmp_path):
    """Starts processes, and ends what is left of them."""
    started = []

    def start_host(words, **place):
        started.append(Host(tmp_path, words, **place))
        return started[-1]

    yield start_host
    for host in started:
        host.process.kill()
        host.process.wait()


def free_addresses():
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    return addresses


@pytest.fixture
def start_two(start):
    """Starts two hosts of one cluster."""

    def start_hosts(words, cluster=None):
        cluster = cluster or free_addresses()
        return [start(words, cluster=cluster, index=index) for index in range(2)]

    return start_hosts


def weights_of(run, name):
    return keras.models.load_model(run / name).get_weights()


def largest_difference(first, second):
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


def history_of(run):
    with (run / "history.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def alone(commands, tmp_path_factory):
    """The folder of a command's run in one process, from its name."""

    @functools.cache
    def run(command):
        host = Host(tmp_path_factory.mktemp("alone"), [*commands[command], EPOCHS])
        assert host.end() == 0, host.said
        return host.run

    return run


def require_same(run, other):
    for name in ("teacher.keras", "student.keras"):
        assert (run / name).is_file() == (other / name).is_file()
        if (run / name).is_file():
            assert largest_difference(weights_of(run, name), weights_of(other, name)) < 5e-5
    for one, two in zip(history_of(run), history_of(other), strict=True):
        assert one == pytest.approx(two, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("command", ["train_teacher", "distill"])
def test_two_hosts_train_what_one_process_trains(command, commands, alone, start_two):
    words = [*commands[command], EPOCHS]
    chief, other = start_two(words)
    assert (chief.end(), other.end()) == (0, 0), chief.said + other.said
    one = alone(command)
    require_same(chief.run, one)
    assert {path.name for path in chief.run.iterdir()} == {path.name for path in one.iterdir()}
    # What the other one had was temporary.
    assert not other.run.exists()
    assert list(other.temporary.glob("kd_keras*")) == []
    again = start_two(words)
    assert [host.end() for host in again] == [0, 0]
    assert all("is finished; nothing to do." in host.said for host in again)


@pytest.mark.parametrize("struck", [0, 1])
def test_a_host_is_killed_and_the_run_goes_on(struck, commands, alone, start_two):
    cluster = free_addresses()
    words = [*commands["train_teacher"], EPOCHS, OFTEN]
    both = start_two(words, cluster)
    both[0].wait_until("epoch 2/6")
    both[struck].process.send_signal(signal.SIGKILL)
    left = both[1 - struck]
    assert left.end(120) == 2, left.said
    assert left.says_last() == (
        f"main.py: No answer any more from worker {struck} at {cluster[struck]}. Start the same "
        "command on every host again: the run goes on from its last checkpoint."
    )
    again = start_two(words, cluster)
    assert [host.end() for host in again] == [0, 0], again[0].said + again[1].said
    for host in again:
        assert "going on after" in host.said
        assert "epoch 1/6" not in host.said
    require_same(again[0].run, alone("train_teacher"))


def test_all_stop_after_the_same_step_whichever_was_asked(commands, start_two):
    both = start_two([*commands["train_teacher"], "--epochs=2000"])
    both[1].wait_until("epoch    2/2000")
    both[1].process.send_signal(signal.SIGTERM)
    assert [host.end(120) for host in both] == [143, 143], both[0].said + both[1].said
    assert both[0].says_last() == both[1].says_last()
    assert both[0].says_last().startswith("Stopped after ")


def test_a_host_that_does_not_come(commands, start):
    cluster = free_addresses()
    chief = start([*commands["distill"], "--host_minutes=0.02"], cluster=cluster)
    assert chief.end(120) == 2
    assert chief.says_last() == (
        f"main.py: No answer from worker 1 at {cluster[1]} within 0.02 min. Start the same command "
        "on every host of TF_CONFIG, or wait longer: --host_minutes."
    )
    assert not chief.run.exists()


def test_hosts_with_different_flags(commands, start):
    cluster = free_addresses()
    chief = start([*commands["distill"], "--epochs=2"], cluster=cluster)
    other = start([*commands["distill"], "--epochs=3"], cluster=cluster, index=1)
    assert (other.end(120), chief.end(120)) == (2, 2)
    assert "Different, the chief's first: training.epochs (there 2, here 3)." in other.says_last()
    assert "No answer any more from worker 1" in chief.says_last()
