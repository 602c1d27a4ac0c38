import threading

import pytest

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
