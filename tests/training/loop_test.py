import csv
import errno

import keras
import numpy as np
import pytest

from kd_keras import training
from kd_keras.training import checkpoint
from tests.training import tiny

AVERAGING = {"use_ema": True, "ema_momentum": 0.8}


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


def test_a_run_with_averaged_weights_goes_on_after_a_full_disk(averaged_run, tmp_path, monkeypatch):
    original = checkpoint.save_checkpoint

    def fail_in_epoch_3(path, distiller, meta):
        if meta["epoch"] == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(path, distiller, meta)

    monkeypatch.setattr(checkpoint, "save_checkpoint", fail_in_epoch_3)
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
    training.load_checkpoint(averaged_run.folder / "checkpoints/last.npz", distiller)
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
    message = str(caught.value)
    assert message.startswith("Training has become unstable: adversarial, discriminator_loss, ")
    assert "not finite in epoch 2. The state after epoch 1 stands." in message
    other = tiny.make_distiller(seed=9)
    assert training.load_checkpoint(tmp_path / "checkpoints/last.npz", other)["epoch"] == 1
    assert all(np.isfinite(array).all() for array in tiny.state_of(other))
