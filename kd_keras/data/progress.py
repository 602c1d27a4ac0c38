"""Lines on standard error that say how far a long reading has come."""

import sys
import time

from kd_keras.durations import format_duration

__all__ = ["reported"]

_INTERVAL_SECONDS = 10.0  # a reading that is done before says nothing


def reported(pieces, total, description, *, stream=None, clock=time.monotonic):
    """Hand pieces on, and report every ten seconds how many images have come.

    Args:
        pieces: Iterable of tuples whose first member has one entry for each image.
        total: How many images all pieces hold together.
        description: What is read.
        stream: Where the lines go; standard error by default.
        clock: Returns seconds.

    Yields:
        The pieces.

    Example:
        >>> list(reported([([1, 2],), ([3],)], 3, "three images"))
        [([1, 2],), ([3],)]
    """
    started = reported_at = clock()
    done = 0
    for piece in pieces:
        yield piece
        done += len(piece[0])
        now = clock()
        if now - reported_at < _INTERVAL_SECONDS or done >= total:
            continue
        reported_at = now
        left = (now - started) / done * (total - done)
        print(
            f"{description}: {done:,} of {total:,} images, {format_duration(left)} left",
            file=stream or sys.stderr,
            flush=True,
        )
