"""Training many times in one process, and how much memory it has after each time.

It is a process of its own, because what other tests have left behind would be counted.
"""

import gc
import json
import pathlib
import resource
import sys
import tempfile

import keras

import main
from tests.training import tiny


def resident_bytes():
    """The main memory that this process has now."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class Watch(keras.callbacks.Callback):
    """Takes the memory after every epoch."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def on_epoch_end(self, epoch, logs=None):
        """Take it."""
        gc.collect()
        self.sizes.append(resident_bytes())


def watch_epochs(count):
    """Epochs of one run with validation, checkpoints and a history."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        tiny.train(tiny.make_distiller(epochs=count), folder, epochs=count, callbacks=[watch])
    return watch.sizes


def watch_runs(count):
    """Whole runs of the command that trains a teacher, one after the other."""
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            words = ["train_teacher", "--dataset=synthetic", "--teacher_depth=10"]
            words += ["--teacher_width=1", "--batch_size=64", "--epochs=1"]
            words += [f"--run_name={number}", f"--output_directory={folder}"]
            assert main.main(words) == 0
            gc.collect()
            sizes.append(resident_bytes())
    return sizes


if __name__ == "__main__":
    found = {"epochs": watch_epochs, "runs": watch_runs}[sys.argv[1]](int(sys.argv[2]))
    print(json.dumps(found))
