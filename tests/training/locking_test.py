import errno
import os
import pathlib
import signal
import socket
import subprocess
import sys

import filelock
import pytest

from kd_keras.training import locking

ROOT = pathlib.Path(__file__).parents[2]

HOLD = """
import sys, time
from kd_keras.training import locking
held = locking.lock_folder(sys.argv[1])
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds the folder."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_the_first(tmp_path, other_process):
    with pytest.raises(ValueError, match="in use") as caught:
        locking.lock_folder(tmp_path)
    assert str(caught.value) == (
        f"The folder {tmp_path} is in use by process {other_process.pid} on "
        f"{socket.gethostname()}. Wait for its end, or choose another --run_name."
    )


def test_the_lock_vanishes_with_a_killed_process(tmp_path, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    with locking.lock_folder(tmp_path):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")


def test_a_lock_that_is_not_signed_yet(tmp_path):
    with filelock.FileLock(tmp_path / ".lock"), pytest.raises(ValueError, match="another process"):
        locking.lock_folder(tmp_path)


def test_the_lock_is_released_at_the_end_of_its_block(tmp_path):
    for _ in range(2):
        with locking.lock_folder(tmp_path / "new"), pytest.raises(ValueError, match="in use"):
            locking.lock_folder(tmp_path / "new")


def test_where_the_file_system_has_no_locks_there_is_none(tmp_path, monkeypatch):
    def flock(descriptor, operation):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", flock)
    with locking.lock_folder(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_not_taken_for_one_without_locks(tmp_path, monkeypatch):
    def refuse(self, **arguments):
        raise PermissionError(13, "Permission denied", self.lock_file)

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(PermissionError):
        locking.lock_folder(tmp_path)
