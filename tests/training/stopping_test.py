import signal
import threading

import pytest

from kd_keras import training
from kd_keras.training import stopping

BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def received():
    """The signals that reach the handlers which were there before."""
    numbers = []
    before = [signal.signal(number, lambda got, frame: numbers.append(got)) for number in BOTH]
    yield numbers
    for number, handler in zip(BOTH, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH)
def test_a_signal_is_noted_and_a_second_one_is_passed_on(received, number):
    with stopping.catch_signals() as request:
        assert request.signal_number is None
        signal.raise_signal(number)
        assert request.signal_number == number
        assert received == []
        signal.raise_signal(number)
        assert received == [number]
    signal.raise_signal(number)
    assert received == [number, number]


def test_the_second_may_be_the_other_one(received):
    with stopping.catch_signals() as request:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert request.signal_number == signal.SIGTERM
        assert received == [signal.SIGINT]


def test_the_second_control_c_is_a_keyboard_interrupt():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stopping.catch_signals():
            signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_handlers_come_back_after_an_error(received):
    before = [signal.getsignal(number) for number in BOTH]
    with pytest.raises(OSError, match="full"), stopping.catch_signals():
        raise OSError("full")
    assert [signal.getsignal(number) for number in BOTH] == before


def test_a_signal_that_is_ignored_stays_ignored():
    """As SIGINT is in what a shell runs in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping.catch_signals() as request:
            signal.raise_signal(signal.SIGINT)
            assert request.signal_number is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_nothing_is_changed(received):
    before = [signal.getsignal(number) for number in BOTH]
    seen = []

    def run():
        with stopping.catch_signals() as request:
            seen.append((request.signal_number, [signal.getsignal(number) for number in BOTH]))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [(None, before)]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_a_stopped_run_says(number, status):
    error = training.Stopped("step 3 of epoch 2", number)
    assert isinstance(error, KeyboardInterrupt)
    assert error.exit_status == status
    assert str(error) == "Stopped after step 3 of epoch 2. The same command goes on from there."
