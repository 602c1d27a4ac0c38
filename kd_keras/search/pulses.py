"""Whether the workers of a search are alive: each writes a pulse into the shared folder.

keras-tuner's chief waits for ever for a worker that was killed. Here it sees that a worker's pulse
has stopped, and gives its trials to others. No clock of another machine is trusted.
"""

import contextlib
import os
import pathlib
import threading
import time

from kd_keras import files

__all__ = ["pulse", "watch"]

_BEAT_SECONDS = 2.0
_PATIENCE_SECONDS = 30.0


@contextlib.contextmanager
def pulse(folder, name):
    """Show, while it lasts, that this worker is alive.

    Args:
        folder: Of all pulses, which all machines see.
        name: The worker's.
    """
    path = pathlib.Path(folder) / f"{name}.json"

    def beat(number):
        files.write_json(path, {"process": os.getpid(), "beat": number})

    with _repeated(beat):
        yield
    with contextlib.suppress(OSError):
        path.unlink()


@contextlib.contextmanager
def watch(folder, oracle):
    """Give the trials of workers whose pulse stops to others, while it lasts.

    Args:
        folder: Of the pulses.
        oracle: Of `oracles.make_oracle`.
    """
    seen = {}

    def look(number):
        del number
        now = time.monotonic()
        for name in {name.rpartition("-")[0] for name in list(oracle.tuner_ids)}:
            try:
                beat = _read(pathlib.Path(folder) / f"{name}.json")
            except OSError:
                seen.pop(name, None)  # No fault of the worker: the patience begins anew.
                raise
            if seen.get(name, (None, 0.0))[0] != beat or name not in seen:
                seen[name] = beat, now
            elif now - seen[name][1] > _PATIENCE_SECONDS:
                _release(oracle, name)
                del seen[name]

    with _repeated(look):
        yield


def _read(path):
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _release(oracle, name):
    released = [str(int(number)) for number in oracle.release(f"{name}-")]
    trials = f"; trial {', '.join(released)} waits for another" if released else ""
    print(f"The worker {name} has stopped answering{trials}.", flush=True)


@contextlib.contextmanager
def _repeated(function):
    """Call a function with 0, 1, 2, ... in a thread of its own, the first time at once.

    A shared folder fails now and then: after an OSError the next call comes as ever.
    """
    ended = threading.Event()

    def repeat():
        number, failed = 0, False
        while True:
            try:
                function(number)
                failed = False
            except OSError as error:
                if not failed:
                    print(f"The workers' folder fails: {error}. It is tried again.", flush=True)
                failed = True
            number += 1
            if ended.wait(_BEAT_SECONDS):
                return

    thread = threading.Thread(target=repeat, daemon=True, name="pulses")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
