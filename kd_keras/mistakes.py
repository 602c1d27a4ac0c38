"""Mistakes and interruptions: what a user is told, and the status a program ends with."""

import sys

__all__ = ["EXPECTED", "describe", "tell"]

EXPECTED = (KeyboardInterrupt, ValueError, TypeError, ArithmeticError, OSError)

_INTERRUPTED = 130
_MISTAKE = 2


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
    return str(error)


def tell(error, *, debug=False):
    """Say a mistake on standard error, inside the `except` that caught it.

    Args:
        error: One of `EXPECTED`.
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
