"""The history for TensorBoard."""

import pathlib
import shutil

import keras
import tensorflow as tf

__all__ = ["EventLog"]

_VALIDATION = "val_"


class EventLog(keras.callbacks.Callback):
    """Writes every epoch's figures for TensorBoard, in the tags of `keras.callbacks.TensorBoard`.

    Event files can only be added to, and lose what was not on the disk when a process was killed.
    So they are written anew from the history when a run goes on: every epoch is there once. The
    step of a figure is its epoch, from 1.

    Args:
        directory: The folder; figures of validation go to its folder `validation`, others to
            `train`. It is removed when training begins.
        history: One dictionary for every epoch that is done.

    Raises:
        OSError: If the disk is full.
    """

    def __init__(self, directory, history):
        super().__init__()
        self._directory = pathlib.Path(directory)
        self._history = list(history)
        self._writers = {}

    def on_train_begin(self, logs=None):
        """Write the epochs that are done."""
        shutil.rmtree(self._directory, ignore_errors=True)
        for row in self._history:
            figures = {name: value for name, value in row.items() if name != "epoch"}
            self._write(row["epoch"], figures)

    def on_epoch_end(self, epoch, logs=None):
        """Write the epoch's figures."""
        self._write(epoch + 1, logs)

    def _write(self, epoch, figures):
        try:
            for name, value in figures.items():
                with self._writer(name).as_default(step=epoch):
                    tf.summary.scalar(f"epoch_{name.removeprefix(_VALIDATION)}", value)
            for writer in self._writers.values():
                writer.flush()
        except tf.errors.OpError as error:
            raise OSError(
                f"Cannot write the files for TensorBoard in {self._directory}. Received: "
                f"{error.message}. What was complete is still there; the same command goes on "
                "where it was, and needs no --tensorboard to do so."
            ) from error

    def _writer(self, name):
        kind = "validation" if name.startswith(_VALIDATION) else "train"
        if kind not in self._writers:
            self._writers[kind] = tf.summary.create_file_writer(str(self._directory / kind))
        return self._writers[kind]
