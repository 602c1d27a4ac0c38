"""What a run goes on from: its last state, its history, and the student that was best.

What a state consists of is in `state`; when one is saved within an epoch is in `within_epoch`.
"""

import csv
import math
import time

import keras

from kd_keras.files import open_atomically
from kd_keras.training.archive import read_arrays, write_arrays
from kd_keras.training.state import State

__all__ = ["Checkpoint"]


class Checkpoint(keras.callbacks.Callback):
    """Saves the state after every epoch and keeps the student that was best on validation.

    The best student is the one with the highest accuracy on validation, the lower cross-entropy
    deciding between equals; without validation it is the last. Put it before
    `keras.callbacks.SwapEMAWeights`, so that it sees averaged weights in validation and plain
    ones in a checkpoint.

    A state that is not finite is never saved.

    Args:
        directory: Folder of the checkpoints.
        history_path: Where the history is written, as CSV.

    Attributes:
        epoch: Epochs that are done, in the state that is saved.
        step: Steps of the next epoch that are done, in the state that is saved.
        position: Steps of this epoch that are done now.
        seconds: That training up to the state that is saved has taken, over restarts, validation
            among them.
        history: One dictionary per epoch.
        best: `epoch`, `accuracy` and `loss` of the best student, or None.
        best_weights: The best student's weights, or None.
    """

    def __init__(self, directory, history_path):
        super().__init__()
        self._directory = directory
        self._history_path = history_path
        self._state = None
        self._candidate = None
        self._first_step = 0
        self._metrics = []
        self._started = None
        self.epoch = self.step = self.position = 0
        self.seconds = 0.0
        self.history = []
        self.best = None
        self.best_weights = None

    @property
    def _path(self):
        return self._directory / "last.npz"

    def set_model(self, model):
        """Take the distiller that is trained."""
        super().set_model(model)
        if self._state is None:
            self._state = State(model)

    def restore(self, distiller):
        """Go on from the last checkpoint, if there is one.

        Args:
            distiller: A compiled `Distiller`.

        Raises:
            ValueError: If a file is damaged, or of another network.
        """
        self.set_model(distiller)
        if not self._path.is_file():
            return
        meta, self._metrics = self._state.load(self._path)
        try:
            self.epoch, self.history, self.best = meta["epoch"], meta["history"], meta["best"]
        except KeyError as error:
            raise ValueError(
                f"Damaged checkpoint {self._path}. Expected epoch, history and best in it. "
                f"Received: no {error}. Remove the file to start over."
            ) from None
        self.step = self._first_step = meta.get("step", 0)
        self.seconds, self._started = meta.get("seconds", 0.0), None
        if self.best:
            self.best_weights = self._read_best(distiller.student.get_weights())
        # A process may have been killed before it came to these.
        self._remove_other_best()
        self._write_history()

    def _read_best(self, like):
        advice = f"Remove the folder {self._directory} to start over."
        groups, _ = read_arrays(self._best_path(self.best["epoch"]), advice=advice)
        arrays = groups.get("weight", [])
        return [array.view(one.dtype) for array, one in zip(arrays, like, strict=True)]

    def lacks_metrics(self):
        """Whether the saved metrics are of metrics that the distiller has not made yet."""
        return bool(self._metrics) and not self._state.has_metrics(self._metrics)

    def on_epoch_begin(self, epoch, logs=None):
        """Take the time; put the metrics of a begun epoch back, which have just been set to 0."""
        if self._started is None:
            self._started = time.monotonic() - self.seconds
        if self._metrics:
            self._state.load_metrics(self._metrics)
            self._metrics = []

    def on_train_batch_end(self, batch, logs=None):
        """Refuse terms that are not finite, at the step that broke them."""
        self.position = self._first_step + batch + 1
        # A metric of somebody else may be finite at the end of an epoch alone.
        broken = _not_finite({n: v for n, v in logs.items() if n in self.model.tracking.means})
        if broken:
            raise self._unstable(broken, f"at step {self.position} of epoch {self.epoch + 1}")

    def save_within_epoch(self):
        """Save the state between two steps.

        Raises:
            ArithmeticError: If it is not finite; the last good state stands.
            OSError: If the disk is full; the last good state stands.
        """
        if not self._state.is_finite:
            place = f"after step {self.position} of epoch {self.epoch + 1}"
            raise self._unstable(["the weights"], place)
        self._save(epoch=self.epoch, step=self.position)

    def on_test_end(self, logs=None):
        """See whether the student is the best so far."""
        key = (logs["accuracy"], -logs["loss"])
        if self.best is None or key > (self.best["accuracy"], -self.best["loss"]):
            self.best_weights = self.model.student.get_weights()
            self._candidate = {"accuracy": logs["accuracy"], "loss": logs["loss"]}

    def on_epoch_end(self, epoch, logs=None):
        """Refuse a state that is not finite; write everything else."""
        broken = _not_finite(logs)
        # The last update of an epoch may break what no figure of the epoch has seen yet.
        if not broken and not self._state.is_finite:
            broken = ["the weights"]
        if broken:
            raise self._unstable(broken, f"in epoch {epoch + 1}")
        self.history.append({"epoch": epoch + 1, **logs})
        if self._candidate:
            self.best = {"epoch": epoch + 1, **self._candidate}
            self._candidate = None
            path = self._best_path(epoch + 1)
            write_arrays(path, {"weight": self.best_weights}, self.best)
        self._save(epoch=epoch + 1, step=0)
        self._first_step = self.position = 0
        self._remove_other_best()
        self._write_history()

    def _save(self, *, epoch, step):
        seconds = self.seconds if self._started is None else time.monotonic() - self._started
        meta = {
            "epoch": epoch,
            "step": step,
            "seconds": seconds,
            "history": self.history,
            "best": self.best,
        }
        self._state.save(self._path, meta, with_metrics=step > 0)
        self.epoch, self.step, self.seconds = epoch, step, seconds

    def _unstable(self, names, place):
        if self.step:
            stands = f"The state after step {self.step} of epoch {self.epoch + 1} stands."
        elif self.epoch:
            stands = f"The state after epoch {self.epoch} stands."
        else:
            stands = "Nothing had been saved before."
        return ArithmeticError(
            f"Training has become unstable: {', '.join(names)} not finite {place}. {stands} "
            "Lower the learning rate, or set --clip_norm."
        )

    def _best_path(self, epoch):
        return self._directory / f"best_{epoch:04d}.npz"

    def _remove_other_best(self):
        for path in self._directory.glob("best_*.npz"):
            if self.best is None or path != self._best_path(self.best["epoch"]):
                path.unlink()

    def _write_history(self):
        if not self.history:
            return
        names = list(dict.fromkeys(name for row in self.history for name in row))
        with open_atomically(self._history_path) as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.history)


def _not_finite(logs):
    names = [name for name, value in logs.items() if not math.isfinite(value)]
    # Their sum is broken by any of the terms, and says less than they.
    return [name for name in names if name != "loss"] or names
