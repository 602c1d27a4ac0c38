"""Mistakes and interruptions: what a user is told, and the status a program ends with."""

import re
import sys

__all__ = ["describe", "expected", "tell"]

_EXPECTED = (KeyboardInterrupt, ValueError, TypeError, ArithmeticError, OSError, MemoryError)

# Of TensorFlow's errors those that the machine or a file is the cause of. The others, such as of
# arguments that do not go together, are mistakes of this program.
_OF_TENSORFLOW = ("DataLossError", "PermissionDeniedError", "ResourceExhaustedError")
_TENSORFLOW = "tensorflow.python.framework.errors_impl"
_NOISE = re.compile(r"\x1b\[\d*m|\{\{.*?\}\} ?| ?\[Op:.*")  # bold type, names of nodes

_LONGEST = 300  # characters of what TensorFlow says
_INTERRUPTED = 130
_MISTAKE = 2


def expected():
    """The classes of mistakes, for an `except`, which asks for them only once there is an error.

    Those of TensorFlow are among them where it has been imported; it is not imported for them.

    Example:
        >>> ValueError in expected(), KeyError in expected()
        (True, False)
    """
    return (*_EXPECTED, *_errors_of_tensorflow())


def _errors_of_tensorflow():
    module = sys.modules.get(_TENSORFLOW)
    return tuple(getattr(module, name) for name in _OF_TENSORFLOW) if module else ()


def describe(error):
    """A mistake as one sentence or more.

    Example:
        >>> describe(ValueError("Unknown loss."))
        'Unknown loss.'
    """
    if isinstance(error, OSError) and error.errno is not None:
        place = error.filename or "a file"
        return (
            f"Cannot read or write {place}: {error.strerror}. What was complete is still there; "
            "the same command goes on where it was."
        )
    if isinstance(error, MemoryError):
        return _describe_lack_of_memory(str(error))
    if isinstance(error, _errors_of_tensorflow()):
        return _describe_of_tensorflow(error)
    return str(error)


def _describe_of_tensorflow(error):
    text = str(error)
    of_memory = type(error).__name__ == "ResourceExhaustedError" and "No space left" not in text
    if of_memory:
        return _describe_lack_of_memory(text)
    return f"Cannot read or write a file: {_line_of(text)}."


def _describe_lack_of_memory(text):
    return (
        f"Not enough memory: {_line_of(text, 'OOM', 'emory')}. Training takes less with a smaller "
        "--batch_size, with more --micro_batches, or with --checkpoint_gradients."
    )


def _line_of(text, *words):
    """The line of a long message that has one of some words, or its first."""
    lines = [line.strip() for line in _NOISE.sub("", text).splitlines() if line.strip()]
    lines = lines or ["no more is known"]
    found = next((line for line in lines if any(word in line for word in words)), lines[0])
    return found[:_LONGEST].rstrip(".")


def tell(error, *, debug=False):
    """Say a mistake on standard error, inside the `except` that caught it.

    Args:
        error: One of `expected()`.
        debug: Raise a mistake again instead, for its traceback.

    Returns:
        The exit status: 130 after Ctrl-C, or what the interruption says; otherwise 2.
    """
    if isinstance(error, KeyboardInterrupt):
        message = str(error) or "Stopped. The same command goes on where it was."
        print(f"\n{message}", file=sys.stderr)
        return getattr(error, "exit_status", _INTERRUPTED)
    if debug:
        raise error
    print(f"main.py: {describe(error)}", file=sys.stderr)
    return _MISTAKE
