import json

import pytest

from kd_keras.export import files


def test_size_is_that_of_all_files(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "inner" / "b").write_bytes(b"123")
    assert files.size_in_bytes(tmp_path) == 8
    assert files.size_in_bytes(tmp_path / "a") == 5


def test_kinds_are_told_apart(tmp_path):
    (tmp_path / "a.keras").touch()
    (tmp_path / "b.tflite").touch()
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "saved_model.pb").touch()
    kinds = [files.kind_of(tmp_path / name) for name in ("a.keras", "b.tflite", "c")]
    assert kinds == ["keras", "tflite", "saved_model"]


def test_another_folder_is_refused_with_what_is_in_it(tmp_path):
    (tmp_path / "student.keras").touch()
    with pytest.raises(ValueError, match=r"No SavedModel in .* Received: student\.keras\."):
        files.kind_of(tmp_path)


def test_a_record_counts_for_the_files_it_lists(tmp_path):
    record = {"formats": {"saved_model": {"file": "saved_model"}}, "include_preprocessing": False}
    (tmp_path / "export.json").write_text(json.dumps(record))
    assert files.read_record(tmp_path / "saved_model") == record
    assert files.read_record(tmp_path / "other.tflite") == {}
    assert files.read_record(tmp_path / "deeper" / "saved_model") == {}


@pytest.mark.parametrize("content", ["{", "[]", '{"formats": []}', '{"formats": {"a": {}}}'])
def test_a_damaged_record_is_refused(tmp_path, content):
    (tmp_path / "export.json").write_text(content)
    with pytest.raises(ValueError, match=r"Cannot read the model at .*export\.json"):
        files.read_record(tmp_path / "saved_model")


def test_a_file_that_has_changed_since_it_was_written_is_refused(tmp_path):
    path = tmp_path / "a.tflite"
    path.write_bytes(b"weights")
    described = files.describe_file(path)
    (tmp_path / "export.json").write_text(json.dumps({"formats": {"a": described}}))
    files.require_unchanged(path)
    path.write_bytes(b"weighty")
    with pytest.raises(ValueError, match="Cannot read the model at") as caught:
        files.require_unchanged(path)
    assert str(caught.value).endswith(
        "a.tflite. It has changed since it was written, by its SHA-256 in export.json. Write the "
        "file again."
    )
    del described["sha256"]  # as an earlier version wrote it
    (tmp_path / "export.json").write_text(json.dumps({"formats": {"a": described}}))
    files.require_unchanged(path)
