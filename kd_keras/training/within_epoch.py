"""What happens between two steps of an epoch: a save from time to time, and the end on request.

Where several hosts train, they agree on both: all save and all end after the same step, whichever
of them was asked.
"""

import signal
import time

import keras

from kd_keras.training.multi_host import add_up, spans_hosts
from kd_keras.training.stopping import Stopped

__all__ = ["WithinEpoch"]


class WithinEpoch(keras.callbacks.Callback):
    """Saves when enough time has passed, and ends the run when a signal has asked for it.

    Put it last, so that what the other callbacks do after a step is in what is saved.

    Args:
        checkpoint: The `Checkpoint` that saves.
        request: A `StopRequest`.
        minutes: Between two saves; 0: none but at the end of epochs, and before a stop.
        strategy: The distribution strategy, which may span several hosts.
    """

    def __init__(self, checkpoint, request, minutes, strategy=None):
        super().__init__()
        self._strategy = strategy if spans_hosts(strategy) else None
        self._checkpoint = checkpoint
        self._request = request
        self._seconds = 60.0 * minutes if minutes else float("inf")
        self._saved = 0.0

    def on_train_begin(self, logs=None):
        """Take the time."""
        self._saved = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        """Save or stop, if it is time and the end of the epoch, which does both, is not next."""
        if batch + 1 >= self.params["steps"]:
            return
        asked, due = self._agree(time.monotonic() - self._saved >= self._seconds)
        if asked or due:
            self._checkpoint.save_within_epoch()
            self._saved = time.monotonic()
        if asked:
            place = f"step {self._checkpoint.step} of epoch {self._checkpoint.epoch + 1}"
            raise Stopped(place, asked)

    def on_epoch_end(self, epoch, logs=None):
        """Stop if it is time; the epoch has been saved."""
        self._saved = time.monotonic()
        asked, _ = self._agree(False)
        if asked:
            raise Stopped(f"epoch {epoch + 1}", asked)

    def _agree(self, due):
        """The signal that asked for the end, if any, and whether a save is due, on any host."""
        asked = self._request.signal_number
        if self._strategy is None:
            return asked, due
        wishes = [asked == signal.SIGTERM, asked == signal.SIGINT, due]
        terminated, interrupted, due = add_up(self._strategy, list(map(int, wishes)))
        asked = signal.SIGTERM if terminated else signal.SIGINT if interrupted else None
        return asked, due
