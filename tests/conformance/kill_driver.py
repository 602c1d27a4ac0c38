"""Runs `main.py` in this process and strikes it at an exact moment.

`python -m tests.conformance.kill_driver MOMENT WORD...`, the words being those of `main.py`. A
moment is `ACTION@POINT:COUNT`, or `POINT` is followed by the name of a file: `kill@step:3` kills
in the middle of the third step, `kill@half:last.npz:2` when the second `last.npz` is half written.
`none` only runs.
"""

import importlib
import os
import resource
import signal
import sys

import numpy as np

import main
from kd_keras import startup

_BYTES_LEFT = 100


def _kill():
    os.kill(os.getpid(), signal.SIGKILL)


def _fill_disk():
    """From now on no file can become larger, which is as good as a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (_BYTES_LEFT, resource.RLIM_INFINITY))


ACTIONS = {
    "kill": _kill,
    "interrupt": lambda: signal.raise_signal(signal.SIGINT),
    "terminate": lambda: signal.raise_signal(signal.SIGTERM),
    "fill": _fill_disk,
}


class Countdown:
    """Acts when it has been called so often."""

    def __init__(self, count, action):
        self._left, self._action = count, action

    def __call__(self):
        self._left -= 1
        if self._left == 0:
            self._action()


def at_open(name, strike):
    """Just before a file is opened to be written."""

    def hook(event, arguments):
        if event == "open" and f".{name}." in str(arguments[0]) and "w" in str(arguments[1]):
            strike()

    sys.addaudithook(hook)


def at_half(name, strike):
    """When half of a file is written."""

    def halve(source):
        os.truncate(source, os.path.getsize(source) // 2)
        os.kill(os.getpid(), signal.SIGKILL)

    strike._action = lambda: halve(strike.source)
    _replace(name, strike, before=True)


def at_whole(name, strike):
    """When a file is complete, and has not taken its place yet."""
    _replace(name, strike, before=True)


def at_placed(name, strike):
    """When a file has just taken its place."""
    _replace(name, strike, before=False)


def _replace(name, strike, *, before):
    original = os.replace

    def replace(source, target):
        wanted = os.path.basename(target) == name
        strike.source = source
        if wanted and before:
            strike()
        original(source, target)
        if wanted and not before:
            strike()

    os.replace = replace


class _Disk:
    """A file that strikes after some bytes, which are on the disk then."""

    def __init__(self, file, strike):
        self._file, self._strike, self._left = file, strike, 5000

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data):
        self._left -= len(data)
        if self._left < 0:
            self._file.flush()
            self._left = float("inf")
            self._strike()
        return self._file.write(data)


def at_bytes(strike):
    """In the middle of the writing of an archive of arrays."""
    original = np.savez
    np.savez = lambda file, **arrays: original(_Disk(file, strike), **arrays)


def at_step(strike):
    """In the middle of a training step: after the discriminator's update, before the student's."""
    import tensorflow as tf

    from kd_keras.distillation import distiller

    original = distiller.apply_gradients

    def apply_gradients(optimizer, gradients, *arguments):
        def tick():
            strike()
            return np.int64(0)

        with tf.control_dependencies([tf.numpy_function(tick, [], tf.int64)]):
            gradients = [tf.identity(gradient) for gradient in gradients]
        original(optimizer, gradients, *arguments)

    distiller.apply_gradients = apply_gradients


def at_validation(strike):
    """After a batch of validation."""
    import keras

    original = keras.callbacks.CallbackList.on_test_batch_end

    def on_test_batch_end(self, batch, logs=None):
        original(self, batch, logs)
        strike()

    keras.callbacks.CallbackList.on_test_batch_end = on_test_batch_end


def at_call(name, strike):
    """Just before a method is called: `training.checkpoint.Checkpoint.restore`."""
    module, owner, method = name.rsplit(".", 2)
    owner = getattr(importlib.import_module(f"kd_keras.{module}"), owner)
    original = getattr(owner, method)

    def call(*arguments):
        strike()
        return original(*arguments)

    setattr(owner, method, call)


POINTS = {
    "open": at_open,
    "half": at_half,
    "whole": at_whole,
    "placed": at_placed,
    "bytes": at_bytes,
    "step": at_step,
    "validation": at_validation,
    "call": at_call,
}


def prepare(moment):
    """Arrange for what a moment says."""
    startup.start_tensorflow()
    if moment == "none":
        return
    action, _, place = moment.partition("@")
    point, *name, count = place.split(":")
    POINTS[point](*name, Countdown(int(count), ACTIONS[action]))


if __name__ == "__main__":
    moment, *words = sys.argv[1:]
    sys.argv = ["main.py", *words]
    # A shell lets what it runs in the background ignore Ctrl-C, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    prepare(moment)
    sys.exit(main.main(words))
