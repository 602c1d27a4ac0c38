import pytest

from flags import flagfiles


@pytest.fixture(autouse=True)
def presets(tmp_path, monkeypatch):
    folder = tmp_path / "presets"
    (folder / "paper").mkdir(parents=True)
    monkeypatch.setattr(flagfiles, "PRESETS", folder)
    (folder / "small.flags").write_text("--epochs=2\n")
    (folder / "paper/row.flags").write_text("# A row.\n--flagfile=small\n\n--batch_size=16\n")
    return folder


def test_words_without_a_flagfile_stay_as_they_are():
    words = ["--epochs=3", "digits", "--", "--method=a: --x=1"]
    assert flagfiles.expand(words) == words


def test_lines_come_in_the_place_of_the_file():
    words = ["--seed=1", "--flagfile=paper/row", "--epochs=5"]
    assert flagfiles.expand(words) == ["--seed=1", "--epochs=2", "--batch_size=16", "--epochs=5"]


def test_a_line_is_one_word_and_remarks_are_none(tmp_path):
    path = tmp_path / "own.flags"
    path.write_text("  # a\n// b\n\n  --method=two words: --loss= --epochs=3  \n--nesterov\n")
    assert flagfiles.expand([f"--flagfile={path}"]) == [
        "--method=two words: --loss= --epochs=3",
        "--nesterov",
    ]


def test_a_byte_order_mark_as_editors_of_windows_write_it_is_no_word(tmp_path):
    path = tmp_path / "own.flags"
    for text in ("# a remark\r\n--epochs=3\r\n", "--epochs=3"):
        path.write_text(text, encoding="utf-8-sig")
        assert flagfiles.expand([f"--flagfile={path}"]) == ["--epochs=3"]


def test_a_file_comes_before_a_preset_of_the_same_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert flagfiles.find("small").name == "small.flags"
    (tmp_path / "small").write_text("--epochs=9\n")
    assert flagfiles.expand(["-flagfile", "small"]) == ["--epochs=9"]


def test_the_same_file_may_be_read_twice_but_not_within_itself(presets):
    assert flagfiles.expand(["--flagfile=small"] * 2) == ["--epochs=2"] * 2
    (presets / "a.flags").write_text("--flagfile=b\n")
    (presets / "b.flags").write_text("--flagfile=a\n")
    with pytest.raises(ValueError, match="itself") as caught:
        flagfiles.expand(["--flagfile=a"])
    assert str(caught.value) == "The flagfile a.flags reads itself. Remove its line --flagfile."


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "student.keras"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="Damaged") as caught:
        flagfiles.expand([f"--flagfile={path}"])
    assert str(caught.value) == f"Damaged flagfile {path}. Expected lines of text."


@pytest.mark.parametrize("name", ["nowhere", "", "paper"])
def test_no_flagfile(name):
    with pytest.raises(FileNotFoundError, match=rf"^No flagfile at {name}\. Expected a file, or a"):
        flagfiles.expand([f"--flagfile={name}"])
