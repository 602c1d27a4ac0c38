import sys

import pytest

from kd_keras.export import memory


def test_a_file_takes_memory(exported):
    taken = memory.measure_peak_memory(exported["tflite_float32"])
    if not sys.platform.startswith("linux"):
        assert taken is None
        return
    assert 0 < taken < 1 << 30


def test_a_file_that_cannot_be_run(tmp_path):
    path = tmp_path / "a.tflite"
    path.write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"^Cannot measure the memory of .*a\.tflite: "):
        memory.measure_peak_memory(path)
