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


@pytest.mark.parametrize("note", [None, "{", "[]", "{}"])
def test_a_holder_without_a_note_is_another_process(tmp_path, note):
    with locking.hold(tmp_path, "abc"):
        path = tmp_path / ".abc.json"
        path.unlink() if note is None else path.write_text(note)
        with (
            pytest.raises(OSError, match=re.escape("is being built by another process.")),
            locking.hold(tmp_path, "abc", wait=False),
        ):
            pass
