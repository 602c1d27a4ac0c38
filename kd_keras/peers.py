"""Whether the other hosts of a run are there: waiting for them, and seeing that one has gone.

A host is there while something listens at its address. That needs no port of its own: before
TensorFlow takes the port, the waiting process listens there itself. Who the hosts are is in
`hosts`.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

__all__ = ["Watch", "deadline", "find_missing", "meet"]

_POLL_SECONDS = 0.2
_ANSWER_SECONDS = 5.0


def meet(cluster, *, minutes):
    """Wait until every host has been started.

    Args:
        cluster: The `hosts.Cluster`.
        minutes: How long to wait.

    Raises:
        ConnectionError: If one is missing then, or this host's port is taken.
    """
    deadline = time.monotonic() + 60 * minutes
    missing = _others(cluster)
    with _listening(cluster):
        while True:
            missing = [index for index in missing if not _answers(cluster.addresses[index])]
            if not missing:
                return
            if time.monotonic() > deadline:
                names = " and ".join(map(cluster.describe, missing))
                raise ConnectionError(
                    f"No answer from {names} within {minutes:g} min. Start the same command on "
                    "every host of TF_CONFIG, or wait longer: --host_minutes."
                )
            time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def _listening(cluster):
    name, _, port = cluster.addresses[cluster.index].rpartition(":")
    family = socket.AF_INET6 if "[" in name else socket.AF_INET
    try:
        # On all networks, because a host need not know itself by the name it has for others.
        server = socket.create_server(("", int(port)), family=family)
    except OSError as error:
        raise ConnectionError(
            f"Cannot listen as {cluster.describe(cluster.index)}: {os.strerror(error.errno)}. "
            "Expected the address of this host in TF_CONFIG, and a port that is free. A run that "
            "was left running holds it."
        ) from None
    with server:
        yield


def _others(cluster):
    return [index for index in range(cluster.count) if index != cluster.index]


def _answers(address):
    name, _, port = address.rpartition(":")
    try:
        with socket.create_connection((name.strip("[]"), int(port)), timeout=_ANSWER_SECONDS):
            return True
    except OSError:
        return False


# Ends when its standard input does, which is also when this process does.
_GUARD = """
import os, select, signal, sys
seconds, sentence = sys.argv[1:]
if not select.select([0], [], [], float(seconds))[0]:
    os.write(2, sentence.encode())
    os.kill(os.getppid(), signal.SIGKILL)
"""


@contextlib.contextmanager
def deadline(sentence, *, seconds):
    """End this process with a sentence if what is done meanwhile takes too long.

    It is another process that ends it: while TensorFlow waits for hosts to join it holds Python's
    lock, so that no thread of this one could, and a signal that can be caught it catches.

    Args:
        sentence: What to say on standard error.
        seconds: How long it may take.
    """
    words = [sys.executable, "-S", "-E", "-c", _GUARD, str(seconds), f"main.py: {sentence}\n"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True) as guard:
        yield
        guard.stdin.close()


def find_missing(cluster, *, seconds):
    """The hosts that do not answer, or stop doing so within some seconds.

    Args:
        cluster: The `hosts.Cluster`.
        seconds: How long to look.

    Returns:
        Their places in the cluster; empty where all go on answering.
    """
    deadline = time.monotonic() + seconds
    while True:
        missing = [i for i in _others(cluster) if not _answers(cluster.addresses[i])]
        if missing or time.monotonic() > deadline:
            return missing
        time.sleep(_POLL_SECONDS)


class Watch(threading.Thread):
    """Looks after the other hosts in the background, from the first time that they answer.

    The chief looks after all, and all look after the chief: where one goes, the chief ends, and
    so do the others.

    Args:
        cluster: The `hosts.Cluster`.
        tell: Called with the places of those that have gone, once.
        seconds: Between two looks.
        patience: Looks in a row at which a host does not answer, before it counts as gone.
    """

    def __init__(self, cluster, tell, *, seconds=2.0, patience=5):
        super().__init__(daemon=True)
        self._cluster, self._tell = cluster, tell
        self._seconds, self._patience = seconds, patience
        watched = _others(cluster) if cluster.is_chief else [0]
        self._silent = dict.fromkeys(watched)  # looks without an answer; None: not there yet
        self._stopped = threading.Event()

    def run(self):
        """Look until one has gone, or `stop`."""
        while not self._stopped.wait(self._seconds):
            gone = [index for index in self._silent if self._look(index) >= self._patience]
            if gone and not self._stopped.is_set():
                self._tell(gone)
                return

    def _look(self, index):
        if _answers(self._cluster.addresses[index]):
            self._silent[index] = 0
        elif self._silent[index] is not None:
            self._silent[index] += 1
        return self._silent[index] or 0

    def stop(self):
        """Look no longer."""
        self._stopped.set()
