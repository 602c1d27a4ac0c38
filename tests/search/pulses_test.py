import pathlib
import threading
import time

import pytest

from kd_keras import files
from kd_keras.search import pulses


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(pulses, "_BEAT_SECONDS", 0.01)
    monkeypatch.setattr(pulses, "_PATIENCE_SECONDS", 0.1)


class Oracle:
    """Two workers ask it; the second runs a trial."""

    def __init__(self):
        self.tuner_ids = {"first-0", "second-0"}
        self.released = []
        self.called = threading.Event()

    def release(self, prefix):
        self.tuner_ids = {name for name in self.tuner_ids if not name.startswith(prefix)}
        self.released.append(prefix)
        self.called.set()
        return ["03"]


def test_the_trials_of_a_worker_that_is_gone_are_given_to_others(tmp_path, capsys):
    oracle = Oracle()
    with pulses.pulse(tmp_path, "first"), pulses.watch(tmp_path, oracle):
        with pulses.pulse(tmp_path, "second"):
            assert not oracle.called.wait(0.5)
        assert oracle.called.wait(30)
    assert oracle.released == ["second-"]
    said = capsys.readouterr().out
    assert said == "The worker second has stopped answering; trial 3 waits for another.\n"


def test_a_worker_that_ends_leaves_no_pulse(tmp_path):
    with pulses.pulse(tmp_path, "first"):
        pass
    assert not list(tmp_path.glob("first.json"))


def fail_at(function, calls):
    """The function, which raises an OSError at some of its calls."""
    count = iter(range(10**9))

    def failing(*arguments, **words):
        if next(count) in calls:
            raise OSError(116, "Stale file handle")
        return function(*arguments, **words)

    return failing


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("calls", [{0}, {1, 2}])
def test_a_beat_that_fails_does_not_end_the_pulse(tmp_path, monkeypatch, capsys, calls):
    monkeypatch.setattr(files, "write_json", fail_at(files.write_json, calls))
    path = tmp_path / "first.json"
    with pulses.pulse(tmp_path, "first"):
        wait_for(lambda: path.exists() and files.read_json(path)["beat"] > 5)
    said = capsys.readouterr().out
    assert said == (
        "The workers' folder fails: [Errno 116] Stale file handle. It is tried again.\n"
    )


def test_a_pulse_that_cannot_be_removed_is_left(tmp_path, monkeypatch):
    with pulses.pulse(tmp_path, "first"):
        monkeypatch.setattr(pathlib.Path, "unlink", fail_at(None, range(10**9)))


def test_a_folder_that_fails_longer_than_the_patience_is_no_fault_of_the_workers(
    tmp_path, monkeypatch
):
    looks = set(range(4, 80))  # of two workers, every hundredth of a second
    monkeypatch.setattr(pathlib.Path, "read_text", fail_at(pathlib.Path.read_text, looks))
    oracle = Oracle()
    with pulses.pulse(tmp_path, "first"), pulses.watch(tmp_path, oracle):
        with pulses.pulse(tmp_path, "second"):
            assert not oracle.called.wait(1.5)
        assert oracle.called.wait(30)
    assert oracle.released == ["second-"]
