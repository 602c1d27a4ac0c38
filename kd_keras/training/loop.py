"""From a distiller and batches to a trained student: `fit`, with what a long run needs."""

import dataclasses

import keras

from kd_keras.training.checkpoint import Checkpoint
from kd_keras.training.progress import Progress

__all__ = ["Outcome", "train"]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run ends with. The distiller's student then has the last weights.

    Attributes:
        history: One dictionary per epoch.
        best_epoch: The epoch, from 1, that was best on validation; the last without validation.
        best_weights: The student's weights then, as `student.get_weights()` gives them.
    """

    history: list
    best_epoch: int
    best_weights: list


def train(
    distiller,
    make_batches,
    *,
    validation_batches=None,
    epochs,
    steps_per_epoch,
    folder,
    callbacks=(),
):
    """Train to the end, from where the folder's last checkpoint stands.

    Args:
        distiller: A compiled `Distiller`.
        make_batches: Function from the first epoch, counted from 0, to an endless dataset of
            batches from that epoch on.
        validation_batches: Dataset to choose the best student on, or None.
        epochs: Epochs in all, those of earlier attempts among them.
        steps_per_epoch: Steps in each.
        folder: The `RunFolder`.
        callbacks: Further Keras callbacks.

    Returns:
        The `Outcome`.

    Raises:
        ArithmeticError: If a term stops being finite; the last good checkpoint stands.
        OSError: If the disk is full; the last good checkpoint stands.
    """
    checkpoint = Checkpoint(folder.checkpoints_path, folder.history_path)
    done = checkpoint.restore(distiller)
    if done:
        print(f"  going on after epoch {done} of {epochs}", flush=True)
    averaging = [keras.callbacks.SwapEMAWeights()] if _averages(distiller.optimizer) else []
    distiller.fit(
        make_batches(done),
        validation_data=validation_batches,
        initial_epoch=done,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        callbacks=[checkpoint, *averaging, Progress(epochs, steps_per_epoch), *callbacks],
        verbose=0,
        shuffle=False,
    )
    best_epoch = checkpoint.best["epoch"] if checkpoint.best else epochs
    best_weights = checkpoint.best_weights or distiller.student.get_weights()
    return Outcome(checkpoint.history, best_epoch, best_weights)


def _averages(optimizer):
    return getattr(optimizer, "inner_optimizer", optimizer).use_ema
