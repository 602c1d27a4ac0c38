import signal
import types

import pytest

from kd_keras import training
from kd_keras.training import within_epoch

STEPS = 10


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Checkpoint:
    """Notes when it is asked to save."""

    def __init__(self):
        self.epoch, self.step, self.position, self.saved = 1, 0, 0, []

    def save_within_epoch(self):
        self.step = self.position
        self.saved.append(self.step)


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(within_epoch, "time", made)
    return made


def make(minutes):
    checkpoint = Checkpoint()
    request = types.SimpleNamespace(signal_number=None)
    callback = within_epoch.WithinEpoch(checkpoint, request, minutes)
    callback.set_params({"steps": STEPS})
    callback.on_train_begin()
    return callback, checkpoint, request


def live(callback, checkpoint, clock, seconds):
    """An epoch whose steps take some seconds each."""
    for batch in range(STEPS):
        clock.now += seconds
        checkpoint.position = batch + 1
        callback.on_train_batch_end(batch)
    callback.on_epoch_end(1)


@pytest.mark.parametrize(
    ("minutes", "seconds", "saved"),
    [
        (1, 20, [3, 6, 9]),
        (1, 70, list(range(1, STEPS))),  # the last step's state is saved at the epoch's end
        (1, 1, []),
        (0, 1e6, []),
    ],
)
def test_it_saves_when_the_time_has_passed(clock, minutes, seconds, saved):
    callback, checkpoint, _ = make(minutes)
    live(callback, checkpoint, clock, seconds)
    assert checkpoint.saved == saved


def test_the_save_at_an_epochs_end_counts(clock):
    callback, checkpoint, _ = make(3)
    live(callback, checkpoint, clock, 10)
    live(callback, checkpoint, clock, 10)
    assert checkpoint.saved == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_saves_and_stops(clock, number):
    callback, checkpoint, request = make(0)
    checkpoint.position = 4
    request.signal_number = number
    with pytest.raises(training.Stopped, match="after step 4 of epoch 2") as caught:
        callback.on_train_batch_end(3)
    assert caught.value.exit_status == 128 + number
    assert checkpoint.saved == [4]


def test_after_the_last_step_the_epoch_is_brought_to_its_end(clock):
    callback, checkpoint, request = make(0)
    request.signal_number = signal.SIGINT
    callback.on_train_batch_end(STEPS - 1)
    with pytest.raises(training.Stopped, match=r"Stopped after epoch 2\."):
        callback.on_epoch_end(1)
    assert checkpoint.saved == []


def test_a_failed_save_does_not_pretend_to_have_stopped_well(clock, monkeypatch):
    callback, checkpoint, request = make(0)
    request.signal_number = signal.SIGINT

    def fail():
        raise OSError("full")

    monkeypatch.setattr(checkpoint, "save_within_epoch", fail)
    with pytest.raises(OSError, match="full"):
        callback.on_train_batch_end(0)


@pytest.mark.parametrize(
    ("wishes", "stopped_by"),
    [
        ([0, 0, 0], None),
        ([0, 0, 1], None),
        ([0, 2, 0], signal.SIGINT),
        ([1, 1, 1], signal.SIGTERM),
    ],
)
def test_hosts_do_what_any_of_them_wishes(clock, monkeypatch, wishes, stopped_by):
    own = []
    monkeypatch.setattr(within_epoch, "spans_hosts", lambda strategy: True)
    monkeypatch.setattr(within_epoch, "add_up", lambda _, numbers: own.append(numbers) or wishes)
    checkpoint = Checkpoint()
    request = types.SimpleNamespace(signal_number=signal.SIGINT)
    callback = within_epoch.WithinEpoch(checkpoint, request, 1, "strategy")
    callback.set_params({"steps": STEPS})
    callback.on_train_begin()
    checkpoint.position, clock.now = 4, clock.now + 61
    if stopped_by:
        with pytest.raises(training.Stopped) as caught:
            callback.on_train_batch_end(3)
        assert caught.value.exit_status == 128 + stopped_by
    else:
        callback.on_train_batch_end(3)
    assert own == [[0, 1, 1]]
    assert checkpoint.saved == ([4] if any(wishes) else [])
