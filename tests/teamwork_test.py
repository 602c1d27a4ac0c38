"""What one host of several does, the exchange with the others being the test's own.

Real hosts are in `tests/conformance/several_hosts_test.py`.
"""

import json
import pathlib

import pytest
import tensorflow as tf

import main
from kd_keras import config, peers, pipeline, teamwork, training

IDENTITY = {"command": "distill", "training.epochs": 3}


@pytest.fixture
def be_host(monkeypatch):
    """Makes this process one of two hosts."""

    def be(index):
        cluster = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}
        said = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(said))

    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")
    return be


@pytest.fixture
def wire(monkeypatch):
    """Stands for the exchange: what the chief sent is there for the other host."""
    sent = []

    def send_from_chief(strategy, content):
        if content:
            sent.append(content)
        return sent[-1]

    monkeypatch.setattr(training, "send_from_chief", send_from_chief)
    monkeypatch.setattr(training, "add_up", lambda strategy, numbers: sent.append("the end"))
    return sent


@pytest.mark.parametrize("command", sorted(set(pipeline.COMMANDS) - {"train_teacher", "distill"}))
def test_commands_of_one_host_refuse_several(be_host, command):
    be_host(1)
    with pytest.raises(ValueError, match="TF_CONFIG") as caught:
        pipeline.COMMANDS[command].run(config.Config())
    assert str(caught.value) == (
        f"TF_CONFIG names 2 hosts, and {command} runs on one. Unset it: "
        f"env -u TF_CONFIG python main.py {command} ..."
    )


def test_a_mistake_in_the_variable_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setenv("TF_CONFIG", "worker0:2222")
    assert main.main(["distill"]) == 2
    assert capsys.readouterr().err.startswith("main.py: Invalid value for TF_CONFIG. Expected {")


def test_alone_nothing_is_shared(be_host, tmp_path):
    assert teamwork.is_chief()
    assert teamwork.own_share() == (0, 1)
    assert teamwork.make_strategy(config.Training()) is tf.distribute.get_strategy()
    folder = training.RunFolder(tmp_path)
    with teamwork.claim(None, folder, IDENTITY, {}) as own:
        assert own is folder
    assert folder.config_path.is_file()


def test_the_second_of_two(be_host):
    be_host(1)
    assert not teamwork.is_chief()
    assert teamwork.own_share() == (1, 2)


def test_devices_of_one_host_share_a_batch_equally(monkeypatch):
    strategy = type("Strategy", (), {"num_replicas_in_sync": 3})
    monkeypatch.setattr(training, "make_strategy", lambda *devices, hosts: strategy)
    with pytest.raises(ValueError, match="batch_size") as caught:
        teamwork.make_strategy(config.Training(batch_size=128))
    assert str(caught.value) == (
        "Invalid value for batch_size. Expected a multiple of 3, the number of devices that "
        "share a batch. Received: 128."
    )
    assert teamwork.make_strategy(config.Training(batch_size=129)) is strategy


def test_hosts_meet_before_the_strategy_is_made(be_host, monkeypatch, capsys):
    be_host(1)
    done = []
    strategy = type("Strategy", (), {"num_replicas_in_sync": 4})
    monkeypatch.setattr(peers, "meet", lambda cluster, minutes: done.append(minutes))
    monkeypatch.setattr(
        training,
        "make_strategy",
        lambda *devices, hosts: done.append((*devices, hosts)) or strategy,
    )
    section = config.Training(devices="all", host_minutes=3.0)
    assert teamwork.make_strategy(section) is strategy
    assert done == [3.0, ("all", 2)]
    assert capsys.readouterr().out == "  hosts: 2, here worker 1 at 127.0.0.1:2\n"
    with pytest.raises(ValueError, match="batch_size") as caught:
        teamwork.make_strategy(config.Training(batch_size=6))
    assert str(caught.value) == (
        "Invalid value for batch_size. Expected a multiple of 4, the number of devices of all "
        "hosts together. Received: 6."
    )


def test_the_other_host_goes_on_from_the_chiefs_checkpoint_and_leaves_nothing(
    be_host, wire, tmp_path
):
    folder = training.RunFolder(tmp_path / "run")
    folder.checkpoints_path.mkdir(parents=True)
    (folder.checkpoints_path / "last.npz").write_bytes(b"state")
    (folder.checkpoints_path / "seconds.json").write_text("{}")
    be_host(0)
    with teamwork.claim(None, folder, IDENTITY, {}) as own:
        assert own is folder
    assert json.loads(folder.config_path.read_text())["hosts"] == 2
    assert wire.pop() == "the end"
    be_host(1)
    elsewhere = training.RunFolder(tmp_path / "elsewhere")
    with teamwork.claim(None, elsewhere, IDENTITY, {}) as own:
        there = {path.relative_to(own.path).as_posix() for path in own.path.rglob("*")}
        assert there == {".lock", "config.json", "checkpoints", "checkpoints/last.npz"}
        assert (own.checkpoints_path / "last.npz").read_bytes() == b"state"
        assert not own.finished
    assert wire[1:] == ["the end"]
    assert not own.path.exists()
    assert not elsewhere.path.exists()


def test_a_finished_run_is_finished_on_all_hosts(be_host, wire, tmp_path):
    folder = training.RunFolder(tmp_path / "run")
    with folder.claim(IDENTITY, {}):
        folder.metrics_path.write_text("{}")
    be_host(0)
    with teamwork.claim(None, folder, IDENTITY, {}) as own:
        assert own.finished
    wire.pop()
    be_host(1)
    with teamwork.claim(None, training.RunFolder(tmp_path / "no"), IDENTITY, {}) as own:
        assert own.finished


def test_hosts_that_were_given_different_flags(be_host, wire, tmp_path):
    be_host(0)
    folder = training.RunFolder(tmp_path / "run")
    with teamwork.claim(None, folder, IDENTITY, {}):
        pass
    wire.pop()
    be_host(1)
    other = teamwork.claim(None, folder, {**IDENTITY, "training.epochs": 4}, {})
    with pytest.raises(ValueError, match="different runs") as caught, other:
        pass
    assert str(caught.value) == (
        "This host and the chief were given different runs. Different, the chief's first: "
        "training.epochs (there 3, here 4). Start the same command, on the same data, on every "
        "host."
    )


SILENT = """Collective ops is aborted by: Error reported from /job:worker/task:1: The following \
tasks are unhealthy (stopped sending heartbeats):
/job:worker/replica:0/task:1
The tasks have crashed."""


@pytest.mark.parametrize(
    ("message", "gone", "lost"),
    [
        ("Socket closed", [1], "No answer any more from worker 1 at 127.0.0.1:2."),
        (SILENT, [], "No answer any more from worker 1 at 127.0.0.1:2."),
        ("Ring is broken\nfor long", [], "The hosts lost each other: Ring is broken."),
    ],
)
def test_a_failed_exchange_is_a_sentence(be_host, monkeypatch, message, gone, lost):
    be_host(0)
    monkeypatch.setattr(peers, "find_missing", lambda cluster, seconds: gone)
    with pytest.raises(ConnectionError) as caught, teamwork.together("distill", several=True):
        raise tf.errors.UnavailableError(None, None, message)
    assert str(caught.value) == (
        f"{lost} Start the same command on every host again: the run goes on from its last "
        "checkpoint."
    )


def test_other_errors_stay_what_they_are(be_host):
    be_host(0)
    with pytest.raises(ValueError, match="Wrong"), teamwork.together("distill", several=True):
        raise ValueError("Wrong.")


def test_where_a_host_is_gone_the_process_ends_and_cleans_up(monkeypatch, capsys):
    ended = []
    monkeypatch.setattr(teamwork.os, "_exit", ended.append)
    left = teamwork._make_temporary()
    teamwork._end("No answer.")
    assert ended == [2]
    assert capsys.readouterr().err == "main.py: No answer.\n"
    assert not pathlib.Path(left).exists()
