import errno
import os

import pytest
import tensorflow as tf

from kd_keras import mistakes


def tell(error, **words):
    try:
        raise error
    except mistakes.expected() as caught:
        return mistakes.tell(caught, **words)


@pytest.mark.parametrize("kind", [ValueError, TypeError, ArithmeticError, ChildProcessError])
def test_a_mistake_is_its_sentence_and_status_2(kind, capsys):
    assert tell(kind("Too much. Take less.")) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "main.py: Too much. Take less.\n")


def test_an_error_of_the_disk_names_the_file():
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/last.npz")
    assert mistakes.describe(error) == (
        "Cannot read or write runs/last.npz: No space left on device. What was complete is still "
        "there; the same command goes on where it was."
    )
    assert mistakes.describe(OSError(errno.EIO, "Input/output error")).startswith(
        "Cannot read or write a file: Input/output error. "
    )


def test_too_little_memory_is_said_with_what_needs_less():
    wrong = (
        "Graph execution error:\n\nDetected at node conv defined at\n"
        "\x1b[1m{{function_node f}} OOM when allocating tensor with shape[9,9] [Op:Mul] name: "
        "\x1b[0m\n"
        "\t [[{{node c}}]]"
    )
    advice = (
        " Training takes less with a smaller --batch_size, with more --micro_batches, or with "
        "--checkpoint_gradients."
    )
    error = tf.errors.ResourceExhaustedError(None, None, wrong)
    assert mistakes.describe(error) == (
        f"Not enough memory: OOM when allocating tensor with shape[9,9].{advice}"
    )
    error = MemoryError("Unable to allocate 9 GiB for an array")
    assert mistakes.describe(error) == (
        f"Not enough memory: Unable to allocate 9 GiB for an array.{advice}"
    )


def test_files_that_tensorflow_cannot_read_or_write_are_said(capsys):
    damaged = tf.errors.DataLossError(None, None, "corrupted record at 12")
    assert tell(damaged) == 2
    assert capsys.readouterr().err == (
        "main.py: Cannot read or write a file: corrupted record at 12.\n"
    )
    full = tf.errors.ResourceExhaustedError(None, None, "a.npz; No space left on device")
    assert mistakes.describe(full) == (
        "Cannot read or write a file: a.npz; No space left on device."
    )


def test_debug_raises_a_mistake_again_but_not_an_interruption(capsys):
    with pytest.raises(ValueError, match="Too much"):
        tell(ValueError("Too much."), debug=True)
    assert tell(KeyboardInterrupt(), debug=True) == 130


def test_an_interruption_may_say_where_it_stopped_and_its_status(capsys):
    class Stopped(KeyboardInterrupt):
        exit_status = 143

    assert tell(KeyboardInterrupt()) == 130
    assert tell(Stopped("Stopped after epoch 2.")) == 143
    assert capsys.readouterr().err == (
        "\nStopped. The same command goes on where it was.\n\nStopped after epoch 2.\n"
    )


def test_what_is_no_mistake_of_a_user_is_not_expected():
    assert not issubclass(KeyError, mistakes.expected())
    assert not issubclass(AssertionError, mistakes.expected())
    assert not issubclass(tf.errors.InvalidArgumentError, mistakes.expected())
    assert not issubclass(tf.errors.InternalError, mistakes.expected())
