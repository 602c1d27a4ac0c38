"""The state of a run at the end of an epoch, and going on from it.

A checkpoint is one file with everything that the next epoch depends on: the weights, both
optimisers, the statistics of batch normalisation, the states of random generators, and the
history so far. The order of the data and its augmentation are functions of the seed and the
epoch, so they need no state.
"""

import csv
import json
import math
import zipfile

import keras
import numpy as np

from kd_keras.files import open_atomically

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]

_META = "meta"


def save_checkpoint(path, distiller, meta):
    """Write a distiller's state and what is known about it.

    Args:
        path: The file.
        distiller: A compiled `Distiller`.
        meta: Plain values to keep with it.

    Raises:
        OSError: If the disk is full; an older file at `path` is still there.
    """
    _write(path, [variable.numpy() for variable in _variables(distiller)], meta)


def load_checkpoint(path, distiller):
    """Put a saved state back.

    Args:
        path: The file.
        distiller: A compiled `Distiller`, built like the one that was saved.

    Returns:
        What was kept with the state.

    Raises:
        ValueError: If the file is damaged or of another network.
    """
    arrays, meta = _read(path)
    variables = _variables(distiller)
    shapes = [array.shape for array in arrays.values()]
    if shapes != [tuple(variable.shape) for variable in variables]:
        raise ValueError(
            f"The checkpoint {path} is of another network or recipe. Expected "
            f"{len(variables)} variables of this one. Received: {len(shapes)} of another. "
            "Remove the file to start over."
        )
    for variable, array in zip(variables, arrays.values(), strict=True):
        variable.assign(array)
    return meta


def _read(path, advice="Remove the file to start over."):
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            arrays = {name: file[name] for name in sorted(file.files)}
        meta = json.loads(arrays.pop(_META).tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"Damaged checkpoint {path}. Received: {error}. {advice}") from None
    return arrays, meta


def _write(path, arrays, meta):
    numbered = {f"{index:04d}": array for index, array in enumerate(arrays)}
    encoded = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    with open_atomically(path, "wb") as file:
        np.savez(file, **numbered, **{_META: encoded})


def _variables(distiller):
    of_metrics = {id(v) for metric in distiller.metrics for v in metric.variables}
    variables = [v for v in distiller.variables if id(v) not in of_metrics]
    variables += distiller.optimizer.variables
    if distiller.adversary is not None:
        variables += distiller.discriminator_optimizer.variables
    return variables


def _is_finite(distiller):
    return all(np.isfinite(variable.numpy()).all() for variable in _variables(distiller))


class Checkpoint(keras.callbacks.Callback):
    """Saves the state after every epoch and keeps the student that was best on validation.

    The best student is the one with the highest accuracy on validation, the lower cross-entropy
    deciding between equals; without validation it is the last. Put it before
    `keras.callbacks.SwapEMAWeights`, so that it sees averaged weights in validation and plain
    ones in a checkpoint.

    Args:
        directory: Folder of the checkpoints.
        history_path: Where the history is written, as CSV.

    Attributes:
        epoch: Epochs that are done.
        history: One dictionary per epoch.
        best: `epoch`, `accuracy` and `loss` of the best student, or None.
    """

    def __init__(self, directory, history_path):
        super().__init__()
        self._directory = directory
        self._history_path = history_path
        self._candidate = None
        self.epoch = 0
        self.history = []
        self.best = None
        self.best_weights = None

    @property
    def _path(self):
        return self._directory / "last.npz"

    def restore(self, distiller):
        """Go on from the last checkpoint, if there is one.

        Returns:
            The number of epochs that are done.
        """
        if self._path.is_file():
            meta = load_checkpoint(self._path, distiller)
            self.epoch, self.history, self.best = meta["epoch"], meta["history"], meta["best"]
            if self.best:
                advice = f"Remove the folder {self._directory} to start over."
                arrays, _ = _read(self._best_path(self.best["epoch"]), advice)
                self.best_weights = list(arrays.values())
        return self.epoch

    def on_test_end(self, logs=None):
        """See whether the student is the best so far."""
        key = (logs["accuracy"], -logs["loss"])
        if self.best is None or key > (self.best["accuracy"], -self.best["loss"]):
            self.best_weights = self.model.student.get_weights()
            self._candidate = {"accuracy": logs["accuracy"], "loss": logs["loss"]}

    def on_epoch_end(self, epoch, logs=None):
        """Refuse a state that is not finite; write everything else."""
        broken = [name for name, value in logs.items() if not math.isfinite(value)]
        # The last update of an epoch may break what no figure of the epoch has seen yet.
        if not broken and not _is_finite(self.model):
            broken = ["the weights"]
        if broken:
            raise ArithmeticError(
                f"Training has become unstable: {', '.join(broken)} not finite in epoch "
                f"{epoch + 1}. The state after epoch {self.epoch} stands. "
                "Lower the learning rate, or set --clip_norm."
            )
        self.epoch = epoch + 1
        self.history.append({"epoch": self.epoch, **logs})
        if self._candidate:
            self.best = {"epoch": self.epoch, **self._candidate}
            self._candidate = None
            _write(self._best_path(self.epoch), self.best_weights, self.best)
        meta = {"epoch": self.epoch, "history": self.history, "best": self.best}
        save_checkpoint(self._path, self.model, meta)
        self._remove_other_best()
        self._write_history()

    def _best_path(self, epoch):
        return self._directory / f"best_{epoch:04d}.npz"

    def _remove_other_best(self):
        for path in self._directory.glob("best_*.npz"):
            if self.best is None or path != self._best_path(self.best["epoch"]):
                path.unlink()

    def _write_history(self):
        names = list(dict.fromkeys(name for row in self.history for name in row))
        with open_atomically(self._history_path) as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.history)
