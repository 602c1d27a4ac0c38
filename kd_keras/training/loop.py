"""From a distiller and batches to a trained student: `fit`, with what a long run needs."""

import dataclasses
import functools

import keras

from kd_keras.training import multi_host
from kd_keras.training.checkpoint import Checkpoint
from kd_keras.training.event_log import EventLog
from kd_keras.training.progress import Progress
from kd_keras.training.stopping import catch_signals
from kd_keras.training.tidying import release_graphs
from kd_keras.training.within_epoch import WithinEpoch

__all__ = ["Outcome", "train"]

_QUIET = {"verbose": 0, "shuffle": False}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run ends with. The distiller's student then has the last weights.

    Attributes:
        history: One dictionary per epoch.
        best_epoch: The epoch, from 1, that was best on validation; the last without validation.
        best_weights: The student's weights then, as `student.get_weights()` gives them.
        seconds: That all epochs took together, over restarts, validation among them.
    """

    history: list
    best_epoch: int
    best_weights: list
    seconds: float


@release_graphs()
def train(
    distiller,
    make_batches,
    *,
    validation_batches=None,
    epochs,
    steps_per_epoch,
    folder,
    callbacks=(),
    checkpoint_minutes=10.0,
    tensorboard=False,
    patience=0,
):
    """Train to the end, from where the folder's last checkpoint stands.

    A process may be killed at any moment: the next one ends with the same weights, to the bit
    where the same steps give the same bits. Callbacks start anew in it; what they remember is
    theirs to restore.

    Args:
        distiller: A compiled `Distiller`.
        make_batches: Function from the first epoch and the first step within it, both counted
            from 0, to an endless dataset of batches from there on.
        validation_batches: Dataset to choose the best student on, or None.
        epochs: Epochs in all, those of earlier attempts among them.
        steps_per_epoch: Steps in each.
        folder: The `RunFolder`.
        callbacks: Further Keras callbacks.
        checkpoint_minutes: Between two saves within an epoch; 0: at its end alone.
        tensorboard: Also write the history for TensorBoard.
        patience: Epochs without a better student on validation after which it ends; 0: any.

    Returns:
        The `Outcome`.

    Raises:
        ArithmeticError: If a term stops being finite; the last good checkpoint stands.
        OSError: If the disk is full; the last good checkpoint stands.
        Stopped: After Ctrl-C or SIGTERM, a `KeyboardInterrupt`; the last step is saved.
    """
    checkpoint = Checkpoint(folder.checkpoints_path, folder.history_path)
    checkpoint.restore(distiller)
    _say_where(checkpoint, epochs)
    progress = Progress(epochs, steps_per_epoch, first_step=checkpoint.step)
    strategy, fit = distiller.distribute_strategy, _choose_fit(distiller)
    with catch_signals() as request:
        within_epoch = WithinEpoch(checkpoint, request, checkpoint_minutes, strategy)
        while True:
            # Keras has one number of steps for all epochs of a fit: a begun epoch has its own.
            until = checkpoint.epoch + 1 if checkpoint.step else epochs
            if _is_stale(checkpoint, patience):
                until = checkpoint.epoch  # it was killed just before its end
            batches = make_batches(checkpoint.epoch, checkpoint.step)
            if checkpoint.lacks_metrics():
                distiller.evaluate(batches.take(1), verbose=0)  # makes those of `compile`
            fit(
                batches,
                validation_data=validation_batches,
                initial_epoch=checkpoint.epoch,
                epochs=until,
                steps_per_epoch=steps_per_epoch - checkpoint.step,
                callbacks=[
                    checkpoint,
                    *_make_averaging(distiller.optimizer),
                    progress,
                    *(_make_log(folder, checkpoint) if tensorboard else []),
                    *callbacks,
                    _stop_when_stale(distiller, checkpoint, patience),
                    within_epoch,
                ],
            )
            if until == epochs or _is_stale(checkpoint, patience) or distiller.stop_training:
                break
            if _averages(distiller.optimizer):
                checkpoint.restore(distiller)  # fit leaves the averages in place of the weights
    return _conclude(distiller, checkpoint, epochs)


def _say_where(checkpoint, epochs):
    if checkpoint.step:
        place = f"step {checkpoint.step} of epoch {checkpoint.epoch + 1}"
    else:
        place = f"epoch {checkpoint.epoch}"
    if checkpoint.epoch or checkpoint.step:
        print(f"  going on after {place} of {epochs}", flush=True)


def _choose_fit(distiller):
    if multi_host.spans_hosts(distiller.distribute_strategy):
        return functools.partial(multi_host.fit, distiller)
    return functools.partial(distiller.fit, **_QUIET)


def _make_averaging(optimizer):
    return [keras.callbacks.SwapEMAWeights()] if _averages(optimizer) else []


def _make_log(folder, checkpoint):
    return [EventLog(folder.tensorboard_path, checkpoint.history)]


def _conclude(distiller, checkpoint, epochs):
    best_epoch = checkpoint.best["epoch"] if checkpoint.best else epochs
    best_weights = checkpoint.best_weights or distiller.student.get_weights()
    return Outcome(checkpoint.history, best_epoch, best_weights, checkpoint.seconds)


def _is_stale(checkpoint, patience):
    """Whether the best student is so many epochs old. It follows from what is saved alone."""
    if not (patience and checkpoint.best) or checkpoint.step:
        return False
    return checkpoint.epoch - checkpoint.best["epoch"] >= patience


def _stop_when_stale(distiller, checkpoint, patience):
    def stop(epoch, logs=None):
        if _is_stale(checkpoint, patience):
            distiller.stop_training = True
            best = checkpoint.best["epoch"]
            print(f"  ends here: no better one on validation since epoch {best}", flush=True)

    return keras.callbacks.LambdaCallback(on_epoch_end=stop)


def _averages(optimizer):
    return getattr(optimizer, "inner_optimizer", optimizer).use_ema
