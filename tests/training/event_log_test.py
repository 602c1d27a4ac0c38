"""That the files hold the history is tested in `loop_test`, over a run that goes on."""

import itertools

import pytest
import tensorflow as tf

from kd_keras.training import event_log

_KINDS = ("train", "validation")


def test_what_stood_there_is_removed_when_training_begins(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train/events.out.tfevents.1").write_bytes(b"older")
    log = event_log.EventLog(tmp_path, [{"epoch": 1, "loss": 2.0}])
    log.on_train_begin()
    [path] = (tmp_path / "train").iterdir()
    assert path.read_bytes() != b"older"
    assert not (tmp_path / "validation").exists()


def test_every_epoch_is_on_the_disk_at_once(tmp_path):
    log = event_log.EventLog(tmp_path, [])
    log.on_train_begin()
    sizes = []
    for epoch in range(3):
        log.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 2.0})
        sizes.append([sum(p.stat().st_size for p in (tmp_path / k).iterdir()) for k in _KINDS])
    assert sizes == sorted(sizes)
    assert all(later[0] > earlier[0] for earlier, later in itertools.pairwise(sizes))


def test_a_full_disk_is_a_sentence(tmp_path, monkeypatch):
    def fail(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "no space")

    log = event_log.EventLog(tmp_path, [])
    monkeypatch.setattr(tf.summary, "scalar", fail)
    with pytest.raises(OSError, match="TensorBoard") as caught:
        log.on_epoch_end(0, {"loss": 1.0})
    assert str(caught.value) == (
        f"Cannot write the files for TensorBoard in {tmp_path}. Received: no space. What was "
        "complete is still there; the same command goes on where it was, and needs no "
        "--tensorboard to do so."
    )
