import csv
import errno
import types

import numpy as np
import pytest

from kd_keras import training
from kd_keras.training import archive
from tests.training import tiny


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def put(distiller, number):
    """Give every weight of the student this value."""
    distiller.student.set_weights(
        [np.full_like(w, number) for w in distiller.student.get_weights()]
    )


def logs_of(**values):
    return {"loss": 1.0, "accuracy": 0.5, **values}


def make_checkpoint(folder):
    return training.Checkpoint(folder / "checkpoints", folder / "history.csv")


def restored(folder, distiller):
    made = make_checkpoint(folder)
    made.restore(distiller)
    return made


@pytest.fixture(scope="module")
def distiller():
    return tiny.make_distiller()


@pytest.fixture
def checkpoint(distiller, tmp_path):
    made = make_checkpoint(tmp_path)
    made.set_model(distiller)
    put(distiller, 1.0)
    return made


def refuse_to_write(monkeypatch, path):
    """Let the disk be full after some bytes, for one file."""
    original = np.savez

    def savez(file, **arrays):
        if path.name in file.name:
            file.write(b"some bytes")
            raise OSError(errno.ENOSPC, "No space left on device")
        original(file, **arrays)

    monkeypatch.setattr(np, "savez", savez)


def live_through(checkpoint, distiller, validations):
    """Epochs after which the student's weights all have the epoch's number."""
    for number, logs in enumerate(validations, start=1):
        put(distiller, number)
        if logs:
            checkpoint.on_test_end(logs)
        checkpoint.on_epoch_end(number - 1, logs_of())


@pytest.mark.parametrize(
    ("validations", "best"),
    [
        ([(0.5, 1.0), (0.6, 2.0), (0.4, 0.1)], 2),
        ([(0.5, 1.0), (0.5, 0.9), (0.5, 1.1)], 2),
        ([(0.5, 1.0), (0.5, 1.0), (0.5, 1.0)], 1),
        ([(0.5, 1.0), (0.6, 1.0), (0.7, 1.0)], 3),
        ([(0.0, 9.0)], 1),
    ],
)
def test_the_best_has_the_highest_accuracy_then_the_lowest_loss_then_came_first(
    checkpoint, distiller, validations, best
):
    validations = [{"accuracy": accuracy, "loss": loss} for accuracy, loss in validations]
    live_through(checkpoint, distiller, validations)
    assert checkpoint.best == {"epoch": best, **validations[best - 1]}
    assert {float(w) for array in checkpoint.best_weights for w in array.ravel()} == {best}


def test_the_best_comes_back_and_only_its_file_is_kept(checkpoint, distiller, tmp_path):
    validations = [{"accuracy": accuracy, "loss": 1.0} for accuracy in (0.5, 0.7, 0.6)]
    live_through(checkpoint, distiller, validations)
    files = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert files == ["best_0002.npz", "last.npz"]
    put(distiller, 0.0)
    again = restored(tmp_path, distiller)
    assert (again.epoch, again.step) == (3, 0)
    assert (again.best, again.history) == (checkpoint.best, checkpoint.history)
    assert same(again.best_weights, checkpoint.best_weights)
    assert {float(w) for array in distiller.student.get_weights() for w in array.ravel()} == {3.0}


def test_without_validation_there_is_no_best(checkpoint, distiller, tmp_path):
    live_through(checkpoint, distiller, [None, None])
    assert checkpoint.best is None
    again = restored(tmp_path, distiller)
    assert again.epoch == 2
    assert again.best is None
    assert again.best_weights is None


def test_nothing_to_restore(tmp_path, distiller):
    before = tiny.state_of(distiller)
    empty = restored(tmp_path, distiller)
    assert (empty.epoch, empty.step, empty.history, empty.best) == (0, 0, [], None)
    assert same(before, tiny.state_of(distiller))
    assert list(tmp_path.iterdir()) == []


def test_a_lost_best_student_is_missed_in_a_sentence(checkpoint, distiller, tmp_path):
    live_through(checkpoint, distiller, [{"accuracy": 0.5, "loss": 1.0}])
    (tmp_path / "checkpoints/best_0001.npz").unlink()
    with pytest.raises(ValueError, match="Damaged") as caught:
        restored(tmp_path, distiller)
    assert str(caught.value).endswith(
        f"Remove the folder {tmp_path / 'checkpoints'} to start over."
    )


def test_a_full_disk_keeps_the_last_state_and_its_best(
    checkpoint, distiller, tmp_path, monkeypatch
):
    live_through(checkpoint, distiller, [{"accuracy": 0.5, "loss": 1.0}])
    refuse_to_write(monkeypatch, tmp_path / "last.npz")
    put(distiller, 2.0)
    checkpoint.on_test_end({"accuracy": 0.9, "loss": 1.0})
    with pytest.raises(OSError, match="No space left"):
        checkpoint.on_epoch_end(1, logs_of())
    again = restored(tmp_path, distiller)
    assert again.epoch == 1
    assert again.best == {"epoch": 1, "accuracy": 0.5, "loss": 1.0}
    assert {float(w) for array in again.best_weights for w in array.ravel()} == {1.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_figure_that_is_not_finite_ends_the_run(checkpoint, distiller, tmp_path, value):
    live_through(checkpoint, distiller, [None])
    good = (tmp_path / "checkpoints/last.npz").read_bytes()
    with pytest.raises(ArithmeticError) as caught:
        checkpoint.on_epoch_end(1, logs_of(logit_l1=value, val_loss=value))
    assert str(caught.value) == (
        "Training has become unstable: logit_l1, val_loss not finite in epoch 2. The state after "
        "epoch 1 stands. Lower the learning rate, or set --clip_norm."
    )
    assert (tmp_path / "checkpoints/last.npz").read_bytes() == good
    assert checkpoint.epoch == 1


def test_weights_that_no_figure_has_seen_yet_end_the_run_too(checkpoint, distiller):
    put(distiller, np.nan)
    with pytest.raises(ArithmeticError, match="unstable: the weights not finite in epoch 1"):
        checkpoint.on_epoch_end(0, logs_of())


def test_the_history_is_a_table_with_a_row_for_every_epoch(checkpoint, tmp_path):
    checkpoint.on_epoch_end(0, {"loss": 0.1 + 0.2, "accuracy": 0.5})
    checkpoint.on_epoch_end(1, {"loss": 1e-9, "accuracy": 1.0, "val_loss": 2.0})
    text = (tmp_path / "history.csv").read_bytes().decode()
    assert "\r\r" not in text
    assert list(csv.DictReader(text.splitlines())) == [
        {"epoch": "1", "loss": "0.30000000000000004", "accuracy": "0.5", "val_loss": ""},
        {"epoch": "2", "loss": "1e-09", "accuracy": "1.0", "val_loss": "2.0"},
    ]


def test_what_a_killed_process_left_undone_is_done(checkpoint, distiller, tmp_path):
    """It may end between the state, the removal of the older best and the history."""
    live_through(checkpoint, distiller, [{"accuracy": 0.5, "loss": 1.0}])
    history = (tmp_path / "history.csv").read_bytes()
    (tmp_path / "history.csv").write_bytes(b"older")
    (tmp_path / "checkpoints/best_0000.npz").write_bytes(b"older")
    restored(tmp_path, distiller)
    assert (tmp_path / "history.csv").read_bytes() == history
    files = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert files == ["best_0001.npz", "last.npz"]


def test_a_checkpoint_without_what_a_run_needs_is_refused(checkpoint, distiller, tmp_path):
    path = tmp_path / "checkpoints/last.npz"
    training.State(distiller).save(path, {"epoch": 1})
    with pytest.raises(ValueError, match="Damaged") as caught:
        checkpoint.restore(distiller)
    assert str(caught.value) == (
        f"Damaged checkpoint {path}. Expected epoch, history and best in it. "
        "Received: no 'history'. Remove the file to start over."
    )


def begin(checkpoint, distiller, *, epoch, steps):
    """The callbacks of a begun epoch; every metric counts up."""
    distiller.reset_metrics()
    checkpoint.on_epoch_begin(epoch)
    for batch in range(steps):
        distiller.tracking.means["loss"].update_state(0.1 * (batch + 1))
        checkpoint.on_train_batch_end(batch, logs_of())


def test_the_time_of_training_is_kept_over_restarts(distiller, tmp_path, monkeypatch):
    clock = types.SimpleNamespace(now=100.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("kd_keras.training.checkpoint.time", clock)
    begun = restored(tmp_path, distiller)
    begun.on_epoch_begin(0)
    clock.now += 10
    begun.position = 3
    begun.save_within_epoch()
    clock.now += 1000  # what is not in the state that is saved is lost, and done again
    later = restored(tmp_path, distiller)
    later.on_epoch_begin(0)
    clock.now += 5
    later.on_epoch_end(0, logs_of())
    later.on_epoch_begin(1)
    clock.now += 7
    later.on_epoch_end(1, logs_of())
    assert restored(tmp_path, distiller).seconds == later.seconds == 10 + 5 + 7


def test_a_step_is_saved_with_the_metrics_so_far(checkpoint, distiller, tmp_path):
    live_through(checkpoint, distiller, [{"accuracy": 0.5, "loss": 1.0}])
    begin(checkpoint, distiller, epoch=1, steps=3)
    put(distiller, 7.0)
    checkpoint.save_within_epoch()
    assert (checkpoint.epoch, checkpoint.step) == (1, 3)
    expected = float(distiller.tracking.means["loss"].result())
    put(distiller, 0.0)
    again = restored(tmp_path, distiller)
    assert (again.epoch, again.step, len(again.history)) == (1, 3, 1)
    assert {float(w) for array in distiller.student.get_weights() for w in array.ravel()} == {7.0}
    distiller.reset_metrics()
    again.on_epoch_begin(1)
    assert float(distiller.tracking.means["loss"].result()) == expected > 0
    again.on_train_batch_end(0, logs_of())
    assert again.position == 4
    again.on_epoch_end(1, logs_of())
    again.on_train_batch_end(0, logs_of())
    assert again.position == 1
    distiller.reset_metrics()
    again.on_epoch_begin(2)
    assert float(distiller.tracking.means["loss"].result()) == 0
    assert "metric" not in archive.read_arrays(tmp_path / "checkpoints/last.npz", advice="")[0]


@pytest.mark.parametrize(
    ("live", "stands"),
    [
        (lambda checkpoint, distiller: None, "Nothing had been saved before."),
        (
            lambda checkpoint, distiller: live_through(checkpoint, distiller, [None]),
            "The state after epoch 1 stands.",
        ),
    ],
)
def test_a_term_that_is_not_finite_ends_the_run_at_its_step(checkpoint, distiller, live, stands):
    live(checkpoint, distiller)
    epoch = checkpoint.epoch
    begin(checkpoint, distiller, epoch=epoch, steps=3)
    with pytest.raises(ArithmeticError, match="unstable") as caught:
        checkpoint.on_train_batch_end(3, logs_of(logit_l1=float("nan"), loss=float("nan")))
    assert str(caught.value) == (
        f"Training has become unstable: logit_l1 not finite at step 4 of epoch {epoch + 1}. "
        f"{stands} Lower the learning rate, or set --clip_norm."
    )


def test_a_metric_of_somebody_else_may_be_undefined_within_an_epoch(checkpoint, distiller):
    begin(checkpoint, distiller, epoch=0, steps=1)
    checkpoint.on_train_batch_end(1, logs_of(recall_of_a_rare_class=float("nan")))
    assert checkpoint.position == 2


def test_a_state_that_is_not_finite_is_not_saved_within_an_epoch(checkpoint, distiller, tmp_path):
    begin(checkpoint, distiller, epoch=0, steps=2)
    checkpoint.save_within_epoch()
    good = (tmp_path / "checkpoints/last.npz").read_bytes()
    begin(checkpoint, distiller, epoch=0, steps=3)
    put(distiller, np.inf)
    with pytest.raises(ArithmeticError) as caught:
        checkpoint.save_within_epoch()
    assert str(caught.value) == (
        "Training has become unstable: the weights not finite after step 3 of epoch 1. The state "
        "after step 2 of epoch 1 stands. Lower the learning rate, or set --clip_norm."
    )
    assert (tmp_path / "checkpoints/last.npz").read_bytes() == good
