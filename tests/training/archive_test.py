import errno

import ml_dtypes
import numpy as np
import pytest

from kd_keras.training import archive

ADVICE = "Remove it."


def write(path, meta=None):
    values = {"weight": [np.arange(3.0), np.ones([2, 1], np.int64)], "metric": [np.float32(0.5)]}
    archive.write_arrays(path, values, meta or {})
    return values


def test_arrays_come_back_in_their_order_with_what_is_known_of_them(tmp_path):
    many = [np.array(index) for index in range(12)]
    meta = {"epoch": 3, "history": [{"loss": 0.1 + 0.2}], "best": None}
    archive.write_arrays(tmp_path / "deep/a.npz", {"a": many, "b": [], "c": many[:1]}, meta)
    groups, found = archive.read_arrays(tmp_path / "deep/a.npz", advice=ADVICE)
    assert found == meta
    assert sorted(groups) == ["a", "c"]
    assert [int(array) for array in groups["a"]] == list(range(12))


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64", "bool", "uint32"])
def test_types_come_back(tmp_path, dtype):
    archive.write_arrays(tmp_path / "a.npz", {"a": [np.ones([2, 3], dtype)]}, {})
    [array] = archive.read_arrays(tmp_path / "a.npz", advice=ADVICE)[0]["a"]
    assert (array.dtype, array.shape, array.all()) == (np.dtype(dtype), (2, 3), True)


def test_the_bits_of_bfloat16_come_back(tmp_path):
    values = np.array([[1.5, -3.0], [0.1, 1e30]], ml_dtypes.bfloat16)
    archive.write_arrays(tmp_path / "a.npz", {"a": [values]}, {})
    [array] = archive.read_arrays(tmp_path / "a.npz", advice=ADVICE)[0]["a"]
    np.testing.assert_array_equal(array.view(ml_dtypes.bfloat16), values)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: whole[:200] + b"\xff\xff\xff" + whole[203:],
        lambda whole: b"no checkpoint at all",
    ],
)
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path, damage):
    path = tmp_path / "a.npz"
    write(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="Damaged") as caught:
        archive.read_arrays(path, advice=ADVICE)
    assert str(caught.value).startswith(f"Damaged checkpoint {path}. Received: ")
    assert str(caught.value).endswith(f". {ADVICE}")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Damaged checkpoint .* No such file"):
        archive.read_arrays(tmp_path / "a.npz", advice=ADVICE)


def test_arrays_without_what_is_known_of_them_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match=r"Damaged checkpoint .* Received: 'meta "):
        archive.read_arrays(tmp_path / "a.npz", advice=ADVICE)


def test_a_full_disk_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    write(path, {"epoch": 1})
    older = path.read_bytes()

    def savez(file, **arrays):
        file.write(b"some bytes")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(OSError, match="No space left") as caught:
        write(path, {"epoch": 2})
    assert caught.value.filename == str(path)
    assert path.read_bytes() == older
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_such_archive_is_told_whatever_the_reader_makes_of_it(tmp_path):
    path = tmp_path / "a.npz"
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(ValueError, match=r"^Damaged checkpoint .*Remove it\.$"):
        archive.read_arrays(path, advice=ADVICE)
    write(path)
    content = bytearray(path.read_bytes())
    central = content.rfind(b"PK\x01\x02")
    for place, value in ((central + 6, 173), (central + 8, 1)):  # a later version; encrypted
        damaged = bytearray(content)
        damaged[place] = value
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"^Damaged checkpoint .*Remove it\.$"):
            archive.read_arrays(path, advice=ADVICE)
