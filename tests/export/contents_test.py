import json
import zipfile

import pytest

from kd_keras.export import contents


def test_metadata_says_what_the_file_takes():
    plain = contents.Contents(class_names=("été", "b"), metadata={"licence": "CC0-1.0"})
    assert json.loads(plain.to_json()) == {
        "class_names": ["été", "b"],
        "input": "pixels from 0 to 255",
        "licence": "CC0-1.0",
    }
    other = contents.Contents(include_preprocessing=False)
    assert json.loads(other.to_json())["input"] == "standardised images"


def test_an_unknown_option_and_a_batch_of_none_are_refused():
    with pytest.raises(TypeError, match="licence"):
        contents.Contents(licence="CC0-1.0")
    with pytest.raises(ValueError, match=r"batch_size\. Expected 1 or more .* Received: 0\."):
        contents.Contents(batch_size=0)


def test_texts_are_appended_and_read_back(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a model")
    assert contents.read_from_archive(path, "labels.txt") == ""
    contents.append_to_archive(path, {"labels.txt": "été\n"})
    assert path.read_bytes().startswith(b"a model")
    assert contents.read_from_archive(path, "labels.txt") == "été\n"
    assert contents.read_from_archive(path, "other.txt") == ""
    with zipfile.ZipFile(path) as archive:
        # Without the time of day, the same model gives the same file.
        assert archive.getinfo("labels.txt").date_time == (1980, 1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("mark", "offset"),
    [(b"PK\x03\x04", 0), (b"PK\x01\x02", 8), (b"PK\x01\x02", 10), (b"labels in", 2)],
    ids=["header", "encrypted", "method", "text"],
)
def test_a_damaged_archive_is_refused(mark, offset, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a model")
    contents.append_to_archive(path, {"labels.txt": "labels in lines\n"})
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(mark) + offset] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"Cannot read the model at .*file\. .* Write the file"):
        contents.read_from_archive(path, "labels.txt")


def test_class_names_are_read_from_the_metadata(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a model")
    assert contents.read_class_names(path) == ()
    text = contents.Contents(class_names=("a", "b")).to_json()
    contents.append_to_archive(path, {contents.METADATA_NAME: text})
    assert contents.read_class_names(path) == ("a", "b")


@pytest.mark.parametrize("text", ["{", "[]", '{"class_names": 3}', "{}"])
def test_damaged_metadata_is_refused(text, tmp_path):
    with pytest.raises(ValueError, match=r"Cannot read .*file\. Its about\.json is damaged\."):
        contents.class_names_of(text, tmp_path / "file")


def test_ranges_are_kept_in_a_file_and_read_back(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"a model")
    contents.append_ranges(path, {})
    assert path.read_bytes() == b"a model"
    contents.append_ranges(path, {"image": (0.0, 255.0), "relu": (0.0, 0.1)})
    assert contents.read_ranges(path) == {"image": (0.0, 255.0), "relu": (0.0, 0.1)}


def test_a_file_without_ranges_and_a_folder_have_none(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"a model")
    assert contents.read_ranges(tmp_path / "model.keras") == contents.read_ranges(tmp_path) == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"image": 3}', '{"image": ["low", 1]}'])
def test_damaged_ranges_are_refused(text, tmp_path):
    path = tmp_path / "model.keras"
    contents.append_to_archive(path, {"activation_ranges.json": text})
    with pytest.raises(ValueError, match=r"Its activation_ranges\.json is damaged\."):
        contents.read_ranges(path)
