import errno
import os
import socket

import pytest

from kd_keras import locking


def test_who_waits_is_told_the_holder_and_has_it_next(tmp_path):
    held, told = locking.lock(tmp_path / "new" / "lock"), []

    def end(holder):
        told.append(holder)
        held.close()

    with locking.lock(tmp_path / "new" / "lock", wait=end), pytest.raises(locking.InUse) as caught:
        locking.lock(tmp_path / "new" / "lock")
    assert told == [caught.value.holder] == [f"process {os.getpid()} on {socket.gethostname()}"]
    assert str(caught.value) == f"In use by {told[0]}."


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_where_the_file_system_has_no_locks_there_is_none(tmp_path, monkeypatch, number):
    def flock(descriptor, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with locking.lock(tmp_path / "lock"), locking.lock(tmp_path / "lock"):
        assert os.listdir(tmp_path) == ["lock"]
