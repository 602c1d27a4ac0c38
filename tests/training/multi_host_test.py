"""The loop around a step, on devices of one host, where Keras's own `fit` is there to compare.

Real hosts are in `tests/conformance/several_hosts_test.py`.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import training
from kd_keras.training import multi_host
from tests.distillation import toys


class Recorder(keras.callbacks.Callback):
    """Notes what it is told, and when."""

    def __init__(self):
        super().__init__()
        self.calls, self.logs = [], []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch {epoch} of {self.params['epochs']}")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"step {batch} of {self.params['steps']}")
        self.logs.append(dict(logs))

    def on_test_begin(self, logs=None):
        self.calls.append("validation")

    def on_test_end(self, logs=None):
        self.logs.append(dict(logs))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"end of epoch {epoch}")
        self.logs.append(dict(logs))
        self.model.stop_training = epoch == 2

    def on_train_end(self, logs=None):
        self.calls.append("end")


def _train(run):
    """On two devices until it is stopped, by `run`; the weights and what was reported."""
    strategy = training.make_strategy("2")
    with strategy.scope():
        distiller = toys.make_distiller(matching=())
    vectors, labels = toys.make_vectors(18)
    batches = tf.data.Dataset.from_tensor_slices((vectors[:16], labels[:16])).batch(8).repeat()
    validation = tf.data.Dataset.from_tensor_slices((vectors, labels)).batch(16)
    recorder = Recorder()
    run(
        distiller,
        batches,
        validation_data=validation,
        initial_epoch=1,
        epochs=9,
        steps_per_epoch=2,
        callbacks=[recorder],
    )
    return toys.weights_of(distiller.student), recorder


def test_it_does_what_fit_does():
    def fit(distiller, batches, **arguments):
        distiller.fit(batches, verbose=0, shuffle=False, **arguments)

    weights, recorder = _train(multi_host.fit)
    expected, expected_recorder = _train(fit)
    assert toys.largest_difference(expected, weights) < 1e-6
    assert recorder.calls == expected_recorder.calls
    assert recorder.calls[-2:] == ["end of epoch 2", "end"]
    assert len(recorder.logs) == len(expected_recorder.logs) > 6
    for told, other in zip(recorder.logs, expected_recorder.logs, strict=True):
        assert told == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_one_process_sends_to_itself():
    strategy = tf.distribute.get_strategy()
    assert multi_host.add_up(strategy, [3, 0]) == [3, 0]
    for content in (b"", b"checkpoint", bytes(range(256)) * 3):
        assert multi_host.send_from_chief(strategy, content) == content


def test_only_the_strategy_of_several_hosts_spans_them():
    assert not multi_host.spans_hosts(tf.distribute.get_strategy())
    assert not multi_host.spans_hosts(None)


def test_devices_share_what_their_host_has_read():
    strategy = training.make_strategy("2")
    rows = {"image": tf.constant(np.arange(5))}
    parts = strategy.run(lambda: multi_host._own_rows(rows))["image"]
    parts = [part.numpy().tolist() for part in strategy.experimental_local_results(parts)]
    assert parts == [[0, 1, 2], [3, 4]]
