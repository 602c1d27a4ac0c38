import os
import sys

import pytest

from kd_keras.export.silence import silence


def test_both_streams_are_held_back_and_given_back(capfd):
    with silence():
        print("from Python")
        print("from Python", file=sys.stderr)
        os.write(1, b"from native code\n")
        os.write(2, b"from native code\n")
    print("after")
    assert capfd.readouterr() == ("after\n", "")


def test_an_error_carries_what_was_held_back(capfd):
    def fail():
        print("what happened")
        os.write(2, b"the reason\n")
        raise ValueError("it failed")

    with pytest.raises(ValueError, match="it failed") as caught, silence():
        fail()
    assert caught.value.__notes__ == ["what happened\nthe reason\n"]
    assert capfd.readouterr() == ("", "")
