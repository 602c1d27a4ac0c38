import csv
import errno
import re
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import training
from tests.training import tiny

AVERAGING = {"use_ema": True, "ema_momentum": 0.8}
EVERY_STEP = {"checkpoint_minutes": 1e-9}


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def trainable(weights):
    """Those of a student's weights that are trained."""
    network = tiny.make_network(4, seed=0, dropout=0.3)
    network.set_weights(weights)
    return [variable.numpy() for variable in network.trainable_variables]


class Record(keras.callbacks.Callback):
    """Keeps the student's trainable weights and their averages at the end of every epoch."""

    def __init__(self):
        super().__init__()
        self.plain, self.averages = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.plain.append([v.numpy() for v in self.model.student.trainable_variables])
        moving = getattr(self.model.optimizer, "_model_variables_moving_average", [])
        self.averages.append([v.numpy() for v in moving])


class Run:
    """One uninterrupted run and what it left behind."""

    def __init__(self, folder, **arguments):
        self.folder, self.arguments, self.record = folder, arguments, Record()
        self.distiller = tiny.make_distiller(**arguments)
        self.outcome = tiny.train(self.distiller, folder, callbacks=[self.record])
        self.state = tiny.state_of(self.distiller)
        self.last = trainable(self.distiller.student.get_weights())


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def averaged_run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("averaged"), **AVERAGING)


def assert_equal_to_the_bit(run, distiller, outcome):
    assert same(tiny.state_of(distiller), run.state)
    assert same(outcome.best_weights, run.outcome.best_weights)
    assert outcome.best_epoch == run.outcome.best_epoch
    assert outcome.history == run.outcome.history


def test_a_killed_run_goes_on_as_if_nothing_had_happened(plain_run, tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt):
        tiny.train(tiny.make_distiller(), tmp_path, callbacks=[tiny.Stop(epoch=3)])
    # Made from other seeds, so that whatever is not restored shows.
    distiller = tiny.make_distiller(seed=9)
    capsys.readouterr()
    outcome = tiny.train(distiller, tmp_path)
    assert capsys.readouterr().out.startswith("  going on after epoch 2 of 4\n  epoch 3/4 ")
    assert_equal_to_the_bit(plain_run, distiller, outcome)


def live(folder, epoch, arguments):
    """Part of a run, which ends after the first step of an epoch, saving every step."""
    distiller = tiny.make_distiller(**arguments)
    stop = tiny.Stop(epoch=epoch)
    with pytest.raises(KeyboardInterrupt):
        tiny.train(distiller, folder, callbacks=[stop], **EVERY_STEP)


@pytest.mark.parametrize(
    "name", [pytest.param("plain_run", marks=pytest.mark.slow), "averaged_run"]
)
def test_a_run_killed_within_epochs_goes_on_as_if_nothing_had_happened(
    name, request, tmp_path, capsys
):
    run = request.getfixturevalue(name)
    live(tmp_path, 1, {"seed": 0, **run.arguments})
    live(tmp_path, 4, {"seed": 9, **run.arguments})
    capsys.readouterr()
    distiller = tiny.make_distiller(seed=9, **run.arguments)
    outcome = tiny.train(distiller, tmp_path)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "  going on after step 1 of epoch 4 of 4"
    assert [line.split()[1] for line in printed[1:]] == ["4/4"]
    assert_equal_to_the_bit(run, distiller, outcome)


def test_saves_within_an_epoch_change_nothing(plain_run, tmp_path):
    distiller = tiny.make_distiller()
    assert_equal_to_the_bit(plain_run, distiller, tiny.train(distiller, tmp_path, **EVERY_STEP))


class Signal(keras.callbacks.Callback):
    """Sends a signal to this process during a step, counted from 1 over the whole training."""

    def __init__(self, number, step):
        super().__init__()
        self._number, self._left = number, step

    def on_train_batch_begin(self, batch, logs=None):
        self._left -= 1
        if self._left == 0:
            signal.raise_signal(self._number)


@pytest.mark.parametrize(
    ("number", "step", "place", "status"),
    [
        (signal.SIGINT, 2, "step 2 of epoch 1", 130),
        pytest.param(signal.SIGTERM, 4, "step 1 of epoch 2", 143, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 3, "epoch 1", 130, marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_the_run_between_two_steps(
    plain_run, tmp_path, capsys, number, step, place, status
):
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(training.Stopped) as caught:
        tiny.train(
            tiny.make_distiller(),
            tmp_path,
            callbacks=[Signal(number, step)],
            checkpoint_minutes=0,
        )
    assert str(caught.value) == f"Stopped after {place}. The same command goes on from there."
    assert caught.value.exit_status == status
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
    capsys.readouterr()
    distiller = tiny.make_distiller(seed=9)
    outcome = tiny.train(distiller, tmp_path)
    assert capsys.readouterr().out.startswith(f"  going on after {place} of 4\n")
    assert_equal_to_the_bit(plain_run, distiller, outcome)


@pytest.mark.slow
def test_a_run_with_averaged_weights_goes_on_after_a_full_disk(averaged_run, tmp_path, monkeypatch):
    original = training.State.save

    def fail_in_epoch_3(self, path, meta, **arguments):
        if meta["epoch"] == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(self, path, meta, **arguments)

    monkeypatch.setattr(training.State, "save", fail_in_epoch_3)
    with pytest.raises(OSError, match="No space left"):
        tiny.train(tiny.make_distiller(**AVERAGING), tmp_path)
    monkeypatch.undo()
    distiller = tiny.make_distiller(seed=9, **AVERAGING)
    assert_equal_to_the_bit(averaged_run, distiller, tiny.train(distiller, tmp_path))


@pytest.mark.parametrize("name", ["plain_run", "averaged_run"])
def test_a_run_that_was_at_its_end_ends_the_same(name, request):
    run = request.getfixturevalue(name)
    distiller = tiny.make_distiller(seed=9, **run.arguments)
    assert_equal_to_the_bit(run, distiller, tiny.train(distiller, run.folder))


def test_the_outcome_tells_every_epoch(plain_run):
    history = plain_run.outcome.history
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    accuracies = [(row["val_accuracy"], -row["val_loss"]) for row in history]
    assert accuracies[plain_run.outcome.best_epoch - 1] == max(accuracies)
    with open(plain_run.folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == history


def test_the_best_weights_are_those_of_the_best_epoch(plain_run):
    best = trainable(plain_run.outcome.best_weights)
    assert same(best, plain_run.record.plain[plain_run.outcome.best_epoch - 1])


def close(first, second):
    return all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(first, second, strict=True))


def test_the_best_of_averaged_weights_is_an_average(averaged_run):
    best = trainable(averaged_run.outcome.best_weights)
    index = averaged_run.outcome.best_epoch - 1
    assert close(best, averaged_run.record.averages[index])
    assert not close(best, averaged_run.record.plain[index])


def test_the_last_of_averaged_weights_is_an_average(averaged_run):
    assert close(averaged_run.last, averaged_run.record.averages[-1])
    assert not close(averaged_run.last, averaged_run.record.plain[-1])


def test_a_checkpoint_of_averaged_weights_holds_the_plain_ones_too(averaged_run):
    distiller = tiny.make_distiller(seed=9, **AVERAGING)
    training.State(distiller).load(averaged_run.folder / "checkpoints/last.npz")
    plain = [variable.numpy() for variable in distiller.student.trainable_variables]
    assert same(plain, averaged_run.record.plain[-1])
    assert not close(plain, averaged_run.record.averages[-1])


def test_without_validation_the_last_epoch_is_the_best(tmp_path):
    distiller = tiny.make_distiller(epochs=1)
    distiller.run_eagerly = True
    outcome = tiny.train(distiller, tmp_path, epochs=1, validation=False)
    assert outcome.best_epoch == 1
    assert same(outcome.best_weights, distiller.student.get_weights())


class Break(keras.callbacks.Callback):
    """Makes a term infinite from an epoch on, counted from 1."""

    def __init__(self, epoch):
        super().__init__()
        self._epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch + 1 == self._epoch:
            self.model.hyperparameters["logit_l1"].assign(float("inf"))


def test_an_unstable_run_keeps_its_last_good_state(tmp_path):
    distiller = tiny.make_distiller()
    distiller.run_eagerly = True
    with pytest.raises(ArithmeticError) as caught:
        tiny.train(distiller, tmp_path, callbacks=[Break(epoch=2)])
    # The weight of the term is infinite, the term is not.
    assert str(caught.value).startswith(
        "Training has become unstable: loss not finite at step 1 of epoch 2. The state after "
        "epoch 1 stands. "
    )
    other = tiny.make_distiller(seed=9)
    meta, _ = training.State(other).load(tmp_path / "checkpoints/last.npz")
    assert (meta["epoch"], meta["step"]) == (1, 0)
    assert all(np.isfinite(array).all() for array in tiny.state_of(other))


def test_an_absurd_learning_rate_is_noticed_at_its_step(tmp_path):
    distiller = tiny.make_distiller(learning_rate=1e20)
    distiller.run_eagerly = True
    with pytest.raises(ArithmeticError) as caught:
        tiny.train(distiller, tmp_path, **EVERY_STEP)
    said = str(caught.value)
    assert re.match(r"Training has become unstable: .*supervised.* not finite at step [23] ", said)
    state = training.State(tiny.make_distiller(seed=9))
    state.load(tmp_path / "checkpoints/last.npz")
    assert state.is_finite


def test_metrics_given_to_compile_go_on(tmp_path):
    def make(seed):
        distiller = tiny.make_distiller(seed=seed, epochs=1)
        distiller.compile(
            tiny.make_optimizer(1),
            tiny.make_optimizer(1, 1e-2),
            weighted_metrics=[keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
            run_eagerly=True,
        )
        return distiller

    whole = tiny.train(make(0), tmp_path / "whole", epochs=1)
    with pytest.raises(KeyboardInterrupt):
        tiny.train(
            make(0), tmp_path / "killed", epochs=1, callbacks=[tiny.Stop(epoch=1)], **EVERY_STEP
        )
    assert tiny.train(make(9), tmp_path / "killed", epochs=1).history == whole.history
    assert 0 < whole.history[0]["top2"] < 1


@pytest.mark.slow
def test_a_run_on_two_devices_goes_on(tmp_path):
    """Every replica has metrics of its own, whose sums must not be rounded together."""
    strategy = training.make_strategy("2")

    def run(folder, seed=0, **arguments):
        with strategy.scope():
            distiller = tiny.make_distiller(seed=seed, epochs=1)
            distiller.run_eagerly = True
        outcome = tiny.train(distiller, folder, epochs=1, **arguments)
        return tiny.state_of(distiller), outcome.history

    state, history = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed", callbacks=[tiny.Stop(epoch=1)], **EVERY_STEP)
    state_again, history_again = run(tmp_path / "killed", seed=9)
    assert history_again == history
    assert same(state_again, state)


def read_scalars(folder):
    """Every figure of the event files, by kind and tag, then by step."""
    found = {}
    for path in sorted(folder.rglob("events.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                steps = found.setdefault(f"{path.parent.name}/{value.tag}", [])
                steps.append((event.step, float(tf.make_ndarray(value.tensor))))
    return found


def test_the_history_for_tensorboard_has_every_epoch_once(tmp_path):
    def train(seed, **arguments):
        distiller = tiny.make_distiller(seed=seed, epochs=3)
        distiller.run_eagerly = True
        return tiny.train(distiller, tmp_path, epochs=3, tensorboard=True, **arguments)

    with pytest.raises(KeyboardInterrupt):
        train(0, callbacks=[tiny.Stop(epoch=2)], **EVERY_STEP)
    history = train(9).history
    found = read_scalars(tmp_path / "tensorboard")
    expected = {
        ("validation/epoch_" if name.startswith("val_") else "train/epoch_")
        + name.removeprefix("val_"): [(row["epoch"], row[name]) for row in history]
        for name in history[0]
        if name != "epoch"
    }
    assert len(expected) > 8
    assert {name: [step for step, _ in values] for name, values in found.items()} == {
        name: [1, 2, 3] for name in expected
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6)


def test_without_being_asked_nothing_is_written_for_tensorboard(plain_run):
    names = sorted(path.name for path in plain_run.folder.iterdir())
    assert names == ["checkpoints", "history.csv"]


def test_it_ends_when_the_best_student_is_old(tmp_path, capsys):
    arguments = {"epochs": 20, "learning_rate": 0.5}
    outcome = tiny.train(tiny.make_distiller(**arguments), tmp_path, epochs=20, patience=1)
    assert outcome.best_epoch == len(outcome.history) - 1 < 19
    keys = [(row["val_accuracy"], -row["val_loss"]) for row in outcome.history]
    assert keys[:-1] == sorted(keys[:-1])
    assert keys[-1] <= keys[-2]
    said = f"  ends here: no better one on validation since epoch {outcome.best_epoch}\n"
    assert said in capsys.readouterr().out
    # A process that is killed before the run is finished does not begin another epoch.
    again = tiny.train(tiny.make_distiller(seed=9, **arguments), tmp_path, epochs=20, patience=1)
    assert again.history == outcome.history
    assert same(again.best_weights, outcome.best_weights)
