"""Several hosts at one run: how they meet, what each of them writes, how they end.

Every host runs the same command. The chief alone writes the run's folder; the others have a
temporary one, which they are sent the chief's checkpoint into, so that they need no shared disk.
A host that is lost cannot come back into a run: all end, and the same command on every host goes
on from the last checkpoint. TensorFlow offers no more to `MultiWorkerMirroredStrategy`.
"""

import contextlib
import io
import os
import pathlib
import re
import sys
import tempfile
import zipfile

import lazy_loader

from kd_keras import hosts, mistakes, peers, training

# It takes seconds to import, and --help must not wait for it.
tf = lazy_loader.load("tensorflow")

__all__ = ["claim", "is_chief", "make_strategy", "own_share", "together"]

_LOOK_SECONDS = 5.0
_JOIN_SECONDS = 60.0
_LONGEST = 300  # characters of another's message
_SILENT = re.compile(r"^/job:(\w+)/replica:0/task:(\d+)$", re.MULTILINE)
_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_SENT = ("config.json", "metrics.json", "checkpoints/*.npz")

# What this process removes at its end, however that comes.
_leftovers = contextlib.ExitStack()


def is_chief():
    """Whether this host writes the run; it does where there is no other."""
    return hosts.read_cluster().is_chief


def own_share():
    """Which part of the data this host reads, and of how many."""
    cluster = hosts.read_cluster()
    return cluster.index, cluster.count


def make_strategy(section):
    """Wait for the other hosts, if there are any, and make the distribution strategy.

    Args:
        section: The configuration's section `training`.

    Raises:
        ConnectionError: If a host does not come.
        ValueError: If there are no such devices, or the batch cannot be shared among them.
    """
    cluster = hosts.read_cluster()
    if cluster.count > 1:
        print(f"  hosts: {cluster.count}, here {cluster.describe(cluster.index)}", flush=True)
        peers.meet(cluster, minutes=section.host_minutes)
    with _joining(cluster, section.host_minutes):
        strategy = training.make_strategy(section.devices, hosts=cluster.count)
    replicas = strategy.num_replicas_in_sync
    if section.batch_size % replicas:
        whose = "of all hosts together" if cluster.count > 1 else "that share a batch"
        raise ValueError(
            f"Invalid value for batch_size. Expected a multiple of {replicas}, the number of "
            f"devices {whose}. Received: {section.batch_size}."
        )
    return strategy


def _joining(cluster, minutes):
    """What limits the time in which hosts that have met join each other."""
    if cluster.count == 1:
        return contextlib.nullcontext()
    others = [i for i in range(cluster.count) if i != cluster.index]
    return peers.deadline(
        f"Lost on joining: {' or '.join(map(cluster.describe, others))}. Start the same command "
        "on every host again.",
        seconds=max(_JOIN_SECONDS, 60 * minutes),
    )


@contextlib.contextmanager
def together(command, *, several):
    """While it lasts, the loss of another host ends this one, with a sentence.

    Args:
        command: The command that runs meanwhile.
        several: Whether it runs on several hosts.

    Raises:
        ConnectionError: If another host is lost.
        ValueError: If TF_CONFIG says what cannot be, or names several hosts for a command of one.
    """
    cluster = hosts.read_cluster()
    if cluster.count == 1:
        yield
        return
    if not several:
        raise ValueError(
            f"{hosts.VARIABLE} names {cluster.count} hosts, and {command} runs on one. Unset it: "
            f"env -u {hosts.VARIABLE} python main.py {command} ..."
        )
    _hush_tensorflow()
    watch = peers.Watch(cluster, lambda gone: _end(_describe_loss(cluster, gone)))
    watch.start()
    try:
        yield
    except _errors_of_exchange() as error:
        watch.stop()
        gone = _read_silent(cluster, error.message)
        gone = gone or peers.find_missing(cluster, seconds=_LOOK_SECONDS)
        raise ConnectionError(_describe_loss(cluster, gone, error.message)) from None
    finally:
        watch.stop()


def _hush_tensorflow():
    """Leave it to the sentence that a host is lost; TensorFlow has several lines for it."""
    if os.environ.get(_LOG_LEVEL, "2") == "2":
        os.environ[_LOG_LEVEL] = "3"


def _errors_of_exchange():
    names = ("Aborted", "Cancelled", "DeadlineExceeded", "FailedPrecondition", "Internal")
    return tuple(getattr(tf.errors, f"{name}Error") for name in (*names, "Unavailable"))


def _read_silent(cluster, message):
    """The hosts that TensorFlow has not heard of for too long: their process may still be there."""
    names = [f"{kind} {number}" for kind, number in _SILENT.findall(message)]
    return [i for i, name in enumerate(cluster.names) if name in names or f"{name} 0" in names]


def _describe_loss(cluster, gone, reason=""):
    who = " and ".join(map(cluster.describe, gone))
    reason = reason.partition("\n")[0][:_LONGEST]
    lost = f"No answer any more from {who}." if gone else f"The hosts lost each other: {reason}."
    return (
        f"{lost} Start the same command on every host again: the run goes on from its last "
        "checkpoint."
    )


def _end(sentence):
    """End the process from any thread: the main one may be waiting for the host that has gone."""
    status = mistakes.tell(ConnectionError(sentence))
    sys.stdout.flush()
    _leftovers.close()
    os._exit(status)


@contextlib.contextmanager
def claim(strategy, folder, identity, record):
    """Make a run's folder this run's, on the chief; elsewhere, a temporary one of the same run.

    Args:
        strategy: The distribution strategy.
        folder: The `training.RunFolder`.
        identity: As in `RunFolder.claim`.
        record: As in `RunFolder.claim`.

    Yields:
        The folder that this host writes.

    Raises:
        ValueError: As `RunFolder.claim`; or if the hosts were given different runs.
    """
    cluster = hosts.read_cluster()
    if cluster.count == 1:
        with folder.claim(identity, record):
            yield folder
        return
    if cluster.is_chief:
        with folder.claim(identity, {**record, "hosts": cluster.count}):
            training.send_from_chief(strategy, _pack(folder.path))
            yield folder
    else:
        with _leftovers:
            own = training.RunFolder(_make_temporary() / folder.path.name)
            _unpack(training.send_from_chief(strategy, b""), own.path)
            _require_same(own, identity)
            with own.claim(identity, record):
                yield own
    # The chief still judges the network when the others have nothing left to do, and one that
    # left now would be missed.
    training.add_up(strategy, [0])


def _make_temporary():
    made = tempfile.TemporaryDirectory(prefix="kd_keras-", ignore_cleanup_errors=True)
    return pathlib.Path(_leftovers.enter_context(made))


def _require_same(folder, identity):
    differing = folder.list_differences(identity)
    if differing:
        raise ValueError(
            "This host and the chief were given different runs. Different, the chief's first: "
            f"{', '.join(differing)}. Start the same command, on the same data, on every host."
        )


def _pack(path):
    """The files of a run's folder that another process goes on from, as bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for pattern in _SENT:
            for file in path.glob(pattern):
                archive.write(file, file.relative_to(path))
    return packed.getvalue()


def _unpack(packed, path):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(path)
