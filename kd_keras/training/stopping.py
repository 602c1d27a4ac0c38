"""Ending a run between two steps when Ctrl-C or SIGTERM asks for it.

What is saved before is in `within_epoch`.
"""

import contextlib
import signal
import threading

__all__ = ["StopRequest", "Stopped", "catch_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A run has ended because a signal asked for it, and its state is saved.

    Args:
        place: After what: `"step 3 of epoch 2"`.
        signal_number: The signal.

    Attributes:
        exit_status: What the process is to end with: 130 after SIGINT, 143 after SIGTERM.

    Example:
        >>> error = Stopped("epoch 2", signal.SIGTERM)
        >>> str(error), error.exit_status
        ('Stopped after epoch 2. The same command goes on from there.', 143)
    """

    def __init__(self, place, signal_number):
        super().__init__(f"Stopped after {place}. The same command goes on from there.")
        self.exit_status = 128 + signal_number


class StopRequest:
    """Whether a signal has asked for the end.

    Attributes:
        signal_number: The signal, or None.
    """

    def __init__(self):
        self.signal_number = None
        self._previous = {}

    def listen(self):
        """Take the signals over from the handlers that are there.

        A signal that is ignored stays ignored, and one that is not Python's stays as it is.
        """
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if handler not in (signal.SIG_IGN, None):
                self._previous[number] = handler
                signal.signal(number, self._receive)

    def leave(self):
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _receive(self, number, frame):
        if self.signal_number is None:
            self.signal_number = number
            return
        # Who asks twice does not want to wait for the step.
        self.leave()
        signal.raise_signal(number)


@contextlib.contextmanager
def catch_signals():
    """While it lasts, Ctrl-C and SIGTERM ask for the end instead of causing it.

    A second one acts at once, as it would have before. Outside the main thread, where Python
    cannot take signals, nothing is changed.

    Yields:
        The `StopRequest`.
    """
    request = StopRequest()
    if threading.current_thread() is threading.main_thread():
        request.listen()
    try:
        yield request
    finally:
        request.leave()
