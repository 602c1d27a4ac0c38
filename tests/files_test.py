import json
import os

import keras
import numpy as np
import pytest

from kd_keras import files


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_place_when_it_is_complete(tmp_path):
    path = tmp_path / "deep/folder/a.txt"
    with files.open_atomically(path) as file:
        file.write("whole")
        file.flush()
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names_in(path.parent) == ["a.txt"]


@pytest.mark.parametrize("older", [None, "older"])
@pytest.mark.parametrize("error", [OSError("No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_what_was_there(tmp_path, older, error):
    path = tmp_path / "a.txt"
    if older:
        path.write_text(older)

    def write_half():
        with files.open_atomically(path) as file:
            file.write("half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert names_in(tmp_path) == (["a.txt"] if older else [])
    assert not older or path.read_text() == older


def test_a_disk_that_is_full_when_the_file_is_closed_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("older")

    def fail(number):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"), files.open_atomically(path) as file:
        file.write("whole")
    assert (path.read_text(), names_in(tmp_path)) == ("older", ["a.txt"])


def test_text_is_written_alike_everywhere(tmp_path, monkeypatch):
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: "ascii")
    with files.open_atomically(tmp_path / "a.txt") as file:
        assert file.encoding == "utf-8"
        file.write("é\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\n"


def test_bytes(tmp_path):
    with files.open_atomically(tmp_path / "a", "wb") as file:
        file.write(b"\x00\r\n")
    assert (tmp_path / "a").read_bytes() == b"\x00\r\n"


def test_json_comes_back(tmp_path):
    value = {"b": [1, 2.5, None, True], "a": {"é": "text"}}
    files.write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert text.startswith('{\n  "b": [\n')
    assert files.read_json(tmp_path / "a.json") == value


def test_a_value_that_json_does_not_know_leaves_the_older_file(tmp_path):
    files.write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        files.write_json(tmp_path / "a.json", {"a": object()})
    assert json.loads((tmp_path / "a.json").read_text()) == 1


def test_json_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        files.read_json(tmp_path / "a.json")
    assert str(caught.value) == f"No file at {tmp_path / 'a.json'}."


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe"])
def test_damaged_json(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match="Damaged file") as caught:
        files.read_json(tmp_path / "a.json")
    assert str(caught.value).startswith(
        f"Damaged file {tmp_path / 'a.json'}. Expected JSON. Received: "
    )


def make_model():
    image = keras.Input([2])
    return keras.Model(image, keras.layers.Dense(3)(image))


def test_a_saved_model_comes_back(tmp_path):
    model = make_model()
    files.save_model(model, tmp_path / "folder/student.keras")
    assert names_in(tmp_path / "folder") == ["student.keras"]
    again = keras.saving.load_model(tmp_path / "folder/student.keras")
    for old, new in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_model_that_cannot_be_written_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "student.keras"
    path.write_bytes(b"older")
    model = make_model()

    def fail(target):
        target.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(model, "save", fail)
    with pytest.raises(OSError, match="No space"):
        files.save_model(model, path)
    assert (path.read_bytes(), names_in(tmp_path)) == (b"older", ["student.keras"])
