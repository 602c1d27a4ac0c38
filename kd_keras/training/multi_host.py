"""Training on several hosts at once: what `fit` of Keras 3 cannot do there, and what hosts share.

Under `MultiWorkerMirroredStrategy` Keras 3.15 fails before the first step of `fit`, where it
averages a batch over the hosts, and again where it averages what a step reports. The step itself
runs. `fit` here is the loop around it, with the same callbacks. It asks nothing of the strategy
but `run` and `reduce`.

Every host runs the same program, because whatever adds up over the hosts waits for all of them.
"""

import keras
import numpy as np
import tensorflow as tf

__all__ = ["add_up", "fit", "send_from_chief", "spans_hosts"]


def spans_hosts(strategy):
    """Whether a strategy has replicas on more than one host."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def add_up(strategy, numbers):
    """The sums over all hosts of whole numbers that each has of its own.

    Args:
        strategy: The distribution strategy.
        numbers: A list of whole numbers, as long on every host.

    Returns:
        A list of as many.
    """
    return _sum(strategy, numbers).tolist()


def _sum(strategy, numbers):
    return strategy.reduce("SUM", tf.constant(numbers, tf.int64), axis=None).numpy()


def send_from_chief(strategy, content):
    """Hand bytes of the chief to the other hosts.

    Args:
        strategy: The distribution strategy.
        content: The bytes; empty on the other hosts.

    Returns:
        The chief's bytes, on every host.
    """
    [size] = add_up(strategy, [len(content)])
    words = np.zeros(-(-size // 8), np.int64)
    words.view(np.uint8)[: len(content)] = np.frombuffer(content, np.uint8)
    return _sum(strategy, words).tobytes()[:size]


def fit(
    distiller,
    batches,
    *,
    steps_per_epoch,
    epochs,
    initial_epoch=0,
    validation_data=None,
    callbacks=(),
):
    """As `keras.Model.fit`, on a strategy of any kind.

    Args:
        distiller: A compiled `Distiller`.
        batches: Endless dataset of this host's share of every batch.
        steps_per_epoch: Steps in each epoch.
        epochs: The epoch to end before.
        initial_epoch: The epoch to begin with, from 0.
        validation_data: Dataset of this host's share of the images to validate on, or None.
        callbacks: Keras callbacks. What they are told is equal on all hosts.
    """
    callbacks = keras.callbacks.CallbackList(
        list(callbacks), model=distiller, epochs=epochs, steps=steps_per_epoch, verbose=0
    )
    train = _make_train_function(distiller)
    test = _make_test_function(distiller)
    iterator = iter(batches)
    distiller.stop_training = False
    callbacks.on_train_begin()
    logs = {}
    for epoch in range(initial_epoch, epochs):
        distiller.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        for step in range(steps_per_epoch):
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_end(step, train(iterator))
        logs = _results(distiller)
        if validation_data is not None:
            found = _validate(distiller, test, validation_data, callbacks)
            logs |= {f"val_{name}": value for name, value in found.items()}
        callbacks.on_epoch_end(epoch, logs)
        if distiller.stop_training:
            break
    distiller.optimizer.finalize_variable_values(distiller.trainable_weights)
    callbacks.on_train_end(logs)


def _validate(distiller, test, batches, callbacks):
    callbacks.on_test_begin()
    distiller.reset_metrics()
    for step, data in enumerate(batches):
        callbacks.on_test_batch_begin(step)
        test(data)
        callbacks.on_test_batch_end(step, {})
    logs = distiller.tracking.without_training(_results(distiller))
    callbacks.on_test_end(logs)
    return logs


def _results(distiller):
    return {name: float(value) for name, value in distiller.get_metrics_result().items()}


def _make_train_function(distiller):
    strategy = distiller.distribute_strategy
    names = []

    def step(data):
        results = distiller.train_step(_own_rows(data))
        names[:] = results
        # One exchange for all figures.
        return tf.stack([tf.cast(value, tf.float32) for value in results.values()])

    @tf.function
    def train(iterator):
        results = strategy.run(step, args=(next(iterator),))
        return strategy.reduce("MEAN", results, axis=None)

    return lambda iterator: dict(zip(names, train(iterator).numpy().tolist(), strict=True))


def _make_test_function(distiller):
    strategy = distiller.distribute_strategy

    def step(data):
        distiller.test_step(_own_rows(data))

    # No host waits for another here, which may have a batch less.
    return tf.function(lambda data: strategy.run(step, args=(data,)))


def _own_rows(data):
    """This device's part of what its host has read."""
    context = tf.distribute.get_replica_context()
    devices = len(context.strategy.extended.worker_devices)
    if devices == 1:
        return data
    index = context.replica_id_in_sync_group % devices

    def cut(rows):
        count = rows.shape[0] or tf.shape(rows)[0]
        share = -(-count // devices)
        return rows[index * share : (index + 1) * share]

    return tf.nest.map_structure(cut, data)
