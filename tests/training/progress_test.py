import io

import pytest

from kd_keras import training


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr("kd_keras.training.progress.time", made)
    return made


def test_a_line_for_every_epoch_with_the_time_left(clock):
    stream = io.StringIO()
    progress = training.Progress(10, 5, stream)
    progress.on_epoch_begin(0)
    clock.now += 20
    progress.on_epoch_end(0, {"loss": 3.25, "accuracy": 0.25})
    progress.on_epoch_begin(1)
    clock.now += 10
    progress.on_epoch_end(
        1, {"loss": 123.5, "accuracy": 0.5, "val_accuracy": 0.875, "discriminator_loss": 2.5}
    )
    assert stream.getvalue().split("\n") == [
        "  epoch  1/10  loss   3.2500  train error 75.00%  3 min 00 s left",
        "  epoch  2/10  loss 123.5000  train error 50.00%  validation error 12.50%  "
        "discriminator  2.500  2 min 00 s left",
        "",
    ]


def test_the_last_line_has_no_time_left(clock):
    stream = io.StringIO()
    progress = training.Progress(1, 5, stream)
    progress.on_epoch_begin(0)
    clock.now += 20
    progress.on_epoch_end(0, {"loss": 1.0, "accuracy": 1.0})
    assert stream.getvalue() == "  epoch 1/1  loss   1.0000  train error  0.00%\n"


def test_a_resumed_run_counts_only_its_own_time(clock):
    stream = io.StringIO()
    progress = training.Progress(10, 5, stream)
    progress.on_epoch_begin(7)
    clock.now += 4
    progress.on_epoch_end(7, {"loss": 1.0, "accuracy": 1.0})
    assert stream.getvalue().endswith("8 s left\n")


def test_on_a_terminal_the_place_within_the_epoch_is_shown_twice_a_second(clock):
    stream = Terminal()
    progress = training.Progress(3, 500, stream)
    progress.on_epoch_begin(0)
    for batch in range(21):
        clock.now += 0.125
        progress.on_train_batch_end(batch)
    steps = stream.getvalue().split("\r")[1:]
    assert steps == [f"  step {step}/500 " for step in (1, 5, 9, 13, 17, 21)]
    progress.on_epoch_end(0, {"loss": 1.0, "accuracy": 1.0})
    line = stream.getvalue().rpartition("\r")[2]
    assert line.startswith("  epoch 1/3  loss")
    # The line covers the step that stood there.
    assert len(line) > max(map(len, steps))


def test_a_begun_epoch_counts_from_where_it_was(clock):
    stream = Terminal()
    progress = training.Progress(4, 8, stream, first_step=6)
    progress.on_epoch_begin(1)
    for batch in range(2):
        clock.now += 1
        progress.on_train_batch_end(batch)
    progress.on_epoch_end(1, {"loss": 1.0, "accuracy": 1.0})
    progress.on_epoch_begin(2)
    clock.now += 1
    progress.on_train_batch_end(0)
    shown = stream.getvalue().split("\r")[1:]
    assert shown[:2] == ["  step 7/8 ", "  step 8/8 "]
    # A quarter of an epoch took 2 s, and two epochs are left.
    assert shown[2].endswith("  16 s left\n")
    assert shown[3] == "  step 1/8 "


def test_without_a_terminal_there_is_nothing_within_the_epoch(clock):
    stream = io.StringIO()
    progress = training.Progress(3, 500, stream)
    progress.on_epoch_begin(0)
    for batch in range(50):
        clock.now += 1
        progress.on_train_batch_end(batch)
    assert stream.getvalue() == ""


def test_it_prints_on_standard_output_by_default(clock, capsys):
    progress = training.Progress(1, 5)
    progress.on_epoch_begin(0)
    progress.on_epoch_end(0, {"loss": 1.0, "accuracy": 1.0})
    assert capsys.readouterr().out == "  epoch 1/1  loss   1.0000  train error  0.00%\n"
