import errno
import re

import pytest

from kd_keras.distillation.cache import locking


def test_one_at_a_time_and_the_other_is_told_who(tmp_path):
    root = tmp_path / "teacher_logits"
    with locking.hold(root, "abc"):
        with (
            pytest.raises(
                OSError,
                match=r"^The teacher cache abc is being built by process \d+ on \S+\. Wait for "
                r"its end, or stop it\.$",
            ),
            locking.hold(root, "abc", wait=False),
        ):
            pass
        with locking.hold(root, "another", wait=False):
            pass
    with locking.hold(root, "abc", wait=False):
        pass


def test_it_is_free_after_an_error(tmp_path):
    with pytest.raises(KeyError), locking.hold(tmp_path, "abc"):
        raise KeyError
    with locking.hold(tmp_path, "abc", wait=False):
        pass


def test_where_the_file_system_has_no_locks_an_entry_is_built_without(tmp_path, monkeypatch):
    def flock(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    with locking.hold(tmp_path, "abc"), locking.hold(tmp_path, "abc", wait=False):
        pass


def test_a_holder_that_has_not_signed_yet_is_another_process(tmp_path):
    with locking.hold(tmp_path, "abc"):
        (tmp_path / ".abc.lock").write_text("")
        with (
            pytest.raises(OSError, match=re.escape("is being built by another process.")),
            locking.hold(tmp_path, "abc", wait=False),
        ):
            pass
