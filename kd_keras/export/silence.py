"""Holding back what TensorFlow prints about itself, in Python and in native code."""

import contextlib
import io
import os
import sys
import tempfile

__all__ = ["silence"]

_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


@contextlib.contextmanager
def silence():
    """Hold back standard output and standard error, down to the file descriptors.

    Errors come through as exceptions. What was held back is added to them as a note, which is
    shown with the traceback.

    Example:
        >>> with silence():
        ...     print("Created a delegate.")
    """
    printed = io.StringIO()
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held, contextlib.ExitStack() as restore:
        for descriptor in (_STANDARD_OUTPUT, _STANDARD_ERROR):
            kept = os.dup(descriptor)
            restore.callback(os.close, kept)
            restore.callback(os.dup2, kept, descriptor)
            os.dup2(held.fileno(), descriptor)
        restore.enter_context(contextlib.redirect_stdout(printed))
        restore.enter_context(contextlib.redirect_stderr(printed))
        try:
            yield
        except Exception as error:  # converters raise anything, and what they print says why
            held.seek(0)
            error.add_note(printed.getvalue() + held.read().decode(errors="replace"))
            raise
