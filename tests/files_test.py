import errno
import json
import os
import shutil
import subprocess

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


@pytest.mark.parametrize("write", [files.write_json, lambda path, _: open_and_fill(path)])
def test_an_error_of_the_disk_names_the_file(tmp_path, monkeypatch, write):
    def fail(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write(tmp_path / "a.json", {})
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "a.json"))


def open_and_fill(path):
    with files.open_atomically(path, "wb") as file:
        file.write(bytes(10))


def test_an_error_about_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, files.open_atomically(tmp_path / "a"):
        open(tmp_path / "b").close()
    assert caught.value.filename == str(tmp_path / "b")


def test_damaged_json_comes_with_what_to_do(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match=r"Received: .*\. Remove it\.$"):
        files.read_json(tmp_path / "a.json", "Remove it.")


def test_a_model_is_not_begun_where_there_is_no_room_for_it(tmp_path, monkeypatch):
    model = make_model()
    size = 2 * sum(weight.nbytes for weight in model.get_weights())
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=size - 1))
    with pytest.raises(OSError, match="No space left") as caught:
        files.save_model(model, tmp_path / "student.keras")
    assert caught.value.filename == str(tmp_path / "student.keras")
    assert names_in(tmp_path) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=size))
    files.save_model(model, tmp_path / "student.keras")


def dead_process():
    with subprocess.Popen(["true"]) as process:
        pass
    return process.pid


def test_what_processes_left_that_are_no_more_is_removed(tmp_path):
    dead, alive = dead_process(), os.getppid()
    (tmp_path / "deep").mkdir()
    left = [
        tmp_path / f".last.npz.{dead}.partial",
        tmp_path / f"deep/.student.keras.{dead}.partial.keras",
        tmp_path / f".saved_model.{dead}.partial",
        tmp_path / f".config.json.{os.getpid()}.partial",
        tmp_path / f".config.json.{10**30}.partial",
    ]
    left[2].mkdir()
    (left[2] / "inside").touch()
    kept = [
        tmp_path / f".last.npz.{alive}.partial",
        tmp_path / f"last.npz.{dead}.partial",
        tmp_path / ".last.npz.partial",
        tmp_path / "deep/student.keras",
    ]
    for path in (*left, *kept):
        if path != left[2]:
            path.touch()
    files.remove_partial(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)
    assert not left[2].exists()


def test_a_process_of_another_user_is_alive(tmp_path, monkeypatch):
    def refuse(process, number):
        raise PermissionError

    path = tmp_path / ".a.1.partial"
    path.touch()
    monkeypatch.setattr(os, "kill", refuse)
    files.remove_partial(tmp_path)
    assert path.exists()


def test_a_folder_that_is_not_there_has_nothing_to_remove(tmp_path):
    files.remove_partial(tmp_path / "none")
