"""One line per epoch, with the time that is left."""

import sys
import time

import keras

from kd_keras.durations import format_duration

__all__ = ["Progress"]

_REFRESH_SECONDS = 0.5


class Progress(keras.callbacks.Callback):
    """Prints a line after every epoch, and on a terminal the place within the epoch.

    Args:
        epochs: Epochs in all.
        steps_per_epoch: Steps in each.
        stream: Where to print; standard output by default.
        first_step: Steps of the first epoch that an earlier process has made.
    """

    def __init__(self, epochs, steps_per_epoch, stream=None, *, first_step=0):
        super().__init__()
        self._epochs = epochs
        self._steps_per_epoch = steps_per_epoch
        self._first_step = self._offset = first_step
        self._stream = stream or sys.stdout
        self._started = self._refreshed = 0.0
        self._first_epoch = None

    def on_epoch_begin(self, epoch, logs=None):
        """Take the time."""
        now = time.monotonic()
        if self._first_epoch is None:
            self._first_epoch, self._started = epoch, now

    def on_train_batch_end(self, batch, logs=None):
        """Show the place within the epoch, twice a second, where someone is watching."""
        now = time.monotonic()
        if now - self._refreshed < _REFRESH_SECONDS or not self._stream.isatty():
            return
        self._refreshed = now
        step = self._offset + batch + 1
        print(f"\r  step {step}/{self._steps_per_epoch} ", end="", file=self._stream)
        self._stream.flush()

    def on_epoch_end(self, epoch, logs=None):
        """Print the epoch's line."""
        logs = logs or {}
        self._offset = 0
        done = epoch + 1 - self._first_epoch - self._first_step / self._steps_per_epoch
        elapsed = time.monotonic() - self._started
        left = elapsed / done * (self._epochs - epoch - 1)
        parts = [
            f"epoch {epoch + 1:>{len(str(self._epochs))}}/{self._epochs}",
            f"loss {logs.get('loss', 0.0):8.4f}",
            f"train error {100 * (1 - logs.get('accuracy', 0.0)):5.2f}%",
        ]
        if "val_accuracy" in logs:
            parts.append(f"validation error {100 * (1 - logs['val_accuracy']):5.2f}%")
        if "discriminator_loss" in logs:
            parts.append(f"discriminator {logs['discriminator_loss']:6.3f}")
        if left > 0:
            parts.append(f"{format_duration(left)} left")
        start = "\r" if self._stream.isatty() else ""
        print(f"{start}  {'  '.join(parts)}", file=self._stream, flush=True)
