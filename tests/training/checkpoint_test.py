import csv
import errno

import numpy as np
import pytest

from kd_keras import training
from kd_keras.training import checkpoint as module
from tests.training import tiny


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def scramble(distiller, seed=0):
    generator = np.random.default_rng(seed)
    variables = [*distiller.student.variables, *distiller.adversary.variables]
    variables += distiller.optimizer.variables + distiller.discriminator_optimizer.variables
    variables += distiller.hyperparameters.values()
    for variable in variables:
        variable.assign(generator.integers(1, 100, variable.shape).astype(variable.dtype))


def put(distiller, number):
    """Give every weight of the student this value."""
    distiller.student.set_weights(
        [np.full_like(w, number) for w in distiller.student.get_weights()]
    )


def logs_of(**values):
    return {"loss": 1.0, "accuracy": 0.5, **values}


@pytest.fixture(scope="module")
def distiller():
    return tiny.make_distiller()


@pytest.fixture
def checkpoint(distiller, tmp_path):
    made = training.Checkpoint(tmp_path / "checkpoints", tmp_path / "history.csv")
    made.set_model(distiller)
    put(distiller, 1.0)
    return made


def test_everything_comes_back(distiller, tmp_path):
    scramble(distiller)
    before = tiny.state_of(distiller)
    dropout_states = [v for v in distiller.variables if "seed_generator" in v.path]
    assert len(dropout_states) > 1
    training.save_checkpoint(tmp_path / "a.npz", distiller, {"epoch": 3, "history": [0.1, None]})
    other = tiny.make_distiller(seed=4)
    scramble(other, seed=1)
    assert not any(np.array_equal(a, b) for a, b in zip(before, tiny.state_of(other), strict=True))
    meta = training.load_checkpoint(tmp_path / "a.npz", other)
    assert meta == {"epoch": 3, "history": [0.1, None]}
    assert same(before, tiny.state_of(other))
    assert {name: float(v) for name, v in other.hyperparameters.items()} == {
        name: float(v) for name, v in distiller.hyperparameters.items()
    }


def test_the_teacher_is_not_in_a_checkpoint(distiller, tmp_path):
    training.save_checkpoint(tmp_path / "a.npz", distiller, {})
    with np.load(tmp_path / "a.npz") as file:
        count = len(file.files) - 1
    teacher = {id(variable) for variable in distiller.teacher.variables}
    assert not teacher & {id(variable) for variable in module._variables(distiller)}
    # The hyperparameters are there besides; what is only reported is not.
    assert count == len(tiny.state_of(distiller)) + len(distiller.hyperparameters)


def refuse_to_write(monkeypatch, path):
    """Let the disk be full after some bytes, for one file."""
    original = np.savez

    def savez(file, **arrays):
        if path.name in file.name:
            file.write(b"some bytes")
            raise OSError(errno.ENOSPC, "No space left on device")
        original(file, **arrays)

    monkeypatch.setattr(np, "savez", savez)


def test_a_full_disk_leaves_the_older_file(distiller, tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    training.save_checkpoint(path, distiller, {"epoch": 1})
    older = path.read_bytes()
    refuse_to_write(monkeypatch, path)
    with pytest.raises(OSError, match="No space left"):
        training.save_checkpoint(path, distiller, {"epoch": 2})
    assert path.read_bytes() == older
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: whole[:900] + b"\xff\xff\xff" + whole[903:],
        lambda whole: b"no checkpoint at all",
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(distiller, tmp_path, damage):
    path = tmp_path / "a.npz"
    training.save_checkpoint(path, distiller, {})
    path.write_bytes(damage(path.read_bytes()))
    before = tiny.state_of(distiller)
    with pytest.raises(ValueError, match="Damaged") as caught:
        training.load_checkpoint(path, distiller)
    assert str(caught.value).startswith(f"Damaged checkpoint {path}. Received: ")
    assert str(caught.value).endswith(". Remove the file to start over.")
    assert same(before, tiny.state_of(distiller))


def test_arrays_without_what_a_checkpoint_says_about_them_are_refused(distiller, tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match=r"Damaged checkpoint .* Received: 'meta'"):
        training.load_checkpoint(tmp_path / "a.npz", distiller)


def test_another_networks_checkpoint_is_refused(distiller, tmp_path):
    path = tmp_path / "a.npz"
    training.save_checkpoint(path, distiller, {})
    count = len(module._variables(distiller))
    for other in (tiny.make_distiller(width=5), tiny.make_distiller(use_ema=True)):
        before = tiny.state_of(other)
        with pytest.raises(ValueError, match="another") as caught:
            training.load_checkpoint(path, other)
        assert str(caught.value) == (
            f"The checkpoint {path} is of another network or recipe. Expected "
            f"{len(module._variables(other))} variables of this one. Received: {count} of "
            "another. Remove the file to start over."
        )
        assert same(before, tiny.state_of(other))


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
    again = training.Checkpoint(tmp_path / "checkpoints", tmp_path / "history.csv")
    put(distiller, 0.0)
    assert again.restore(distiller) == again.epoch == 3
    assert (again.best, again.history) == (checkpoint.best, checkpoint.history)
    assert same(again.best_weights, checkpoint.best_weights)
    assert {float(w) for array in distiller.student.get_weights() for w in array.ravel()} == {3.0}


def test_without_validation_there_is_no_best(checkpoint, distiller, tmp_path):
    live_through(checkpoint, distiller, [None, None])
    assert checkpoint.best is None
    again = training.Checkpoint(tmp_path / "checkpoints", tmp_path / "history.csv")
    assert again.restore(distiller) == 2
    assert again.best is None
    assert again.best_weights is None


def test_nothing_to_restore(tmp_path, distiller):
    empty = training.Checkpoint(tmp_path / "checkpoints", tmp_path / "history.csv")
    before = tiny.state_of(distiller)
    assert empty.restore(distiller) == 0
    assert same(before, tiny.state_of(distiller))


def test_a_lost_best_student_is_missed_in_a_sentence(checkpoint, distiller, tmp_path):
    live_through(checkpoint, distiller, [{"accuracy": 0.5, "loss": 1.0}])
    (tmp_path / "checkpoints/best_0001.npz").unlink()
    with pytest.raises(ValueError, match="Damaged") as caught:
        training.Checkpoint(tmp_path / "checkpoints", tmp_path / "h.csv").restore(distiller)
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
    again = training.Checkpoint(tmp_path / "checkpoints", tmp_path / "history.csv")
    assert again.restore(distiller) == 1
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
