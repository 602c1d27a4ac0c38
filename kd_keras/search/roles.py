"""Searching on several machines: whether a process is alone, the chief or a worker.

keras-tuner reads three variables of the environment: KERASTUNER_TUNER_ID, which is `chief` or the
worker's own name, and KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT, where the chief is.
"""

import os
import socket
import time

__all__ = ["describe_missing_chief", "place", "read_role", "require_chief", "tuner_name"]

_NAME, _ADDRESS, _PORT = "KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"
_PATIENCE_SECONDS = 2.0


def read_role():
    """Which part this process has.

    Returns:
        `"alone"`, `"chief"` or `"worker"`.

    Raises:
        ValueError: If some of the variables are set and others are not.
    """
    missing = [name for name in (_NAME, _ADDRESS, _PORT) if not os.environ.get(name)]
    if _ADDRESS in missing and _PORT in missing:
        return "alone"
    if missing:
        raise ValueError(
            f"The environment names a chief of the search, but {' and '.join(missing)} is not set. "
            f"Expected {_NAME} (chief, or a worker's own name), {_ADDRESS} and {_PORT}, or none "
            "of them."
        )
    if not os.environ[_PORT].isdecimal():
        raise ValueError(f"Invalid value for {_PORT}. Expected a number. Received: {_port()}.")
    return "chief" if "chief" in tuner_name() else "worker"


def tuner_name():
    """The name of this process among those that search."""
    return os.environ.get(_NAME) or "tuner0"


def _port():
    return os.environ[_PORT]


def require_chief(*, minutes):
    """See that the chief is there.

    Args:
        minutes: How long to wait for it.

    Raises:
        ConnectionError: If it is not.
    """
    deadline = time.monotonic() + max(60 * minutes, _PATIENCE_SECONDS)
    said = False
    while True:
        try:
            with socket.create_connection((os.environ[_ADDRESS], int(_port())), timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                reason = error.strerror or str(error)
                raise ConnectionError(describe_missing_chief(reason)) from None
        if minutes and not said:
            print(f"waiting up to {minutes:g} min for the chief at {place()}", flush=True)
            said = True
        time.sleep(0.5)


def describe_missing_chief(reason):
    """The sentence for a chief that is not there.

    Args:
        reason: What the network says.
    """
    return (
        f"No chief of the search at {place()}: {reason}. Start it with {_NAME}=chief and the "
        "same flags, then this worker again: it goes on where the search was."
    )


def place():
    """Where the chief is: its address and port."""
    return f"{os.environ[_ADDRESS]}:{_port()}"
