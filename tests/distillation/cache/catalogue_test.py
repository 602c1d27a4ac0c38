import datetime
import re

import pytest

from kd_keras.distillation import cache
from kd_keras.distillation.cache import catalogue, locking
from tests.distillation.cache import asked


@pytest.fixture
def entries(tmp_path):
    """Two entries whose names begin alike."""
    root = cache.root_of(tmp_path)
    requests = [asked.make_request(), asked.make_request(top_k=2)]
    return [asked.build_entry(root, request, views=2) for request in requests]


def test_entries_are_summarised(tmp_path, entries):
    summaries = cache.summarize_entries(tmp_path)
    assert [summary.name for summary in summaries] == sorted(entry.name for entry in entries)
    by_name = {summary.name: summary for summary in summaries}
    full, largest = (by_name[entry.name] for entry in entries)
    assert (full.views, full.images, full.kept) == (2, 23, "4 classes, float16")
    assert largest.kept == "top 2 of 4 classes, float16"
    files = list(entries[0].folder.iterdir())
    assert full.size_bytes == sum(path.stat().st_size for path in files) > 2 * 23 * 8
    assert abs(datetime.datetime.now() - full.changed) < datetime.timedelta(minutes=10)
    assert full.damage == ""


def test_a_damaged_entry_is_listed_as_such(tmp_path, entries):
    (entries[0].folder / "manifest.json").write_text("{")
    damage = {summary.name: summary.damage for summary in cache.summarize_entries(tmp_path)}
    assert damage[entries[1].name] == ""
    assert "Its manifest.json is missing or damaged." in damage[entries[0].name]


def test_other_files_and_folders_are_no_entries(tmp_path, entries):
    root = cache.root_of(tmp_path)
    (root / "notes.txt").write_text("mine")
    (root / "folder").mkdir()
    assert len(cache.summarize_entries(tmp_path)) == 2
    assert cache.summarize_entries(tmp_path / "elsewhere") == []


def test_an_entry_is_found_by_its_name_or_its_beginning(tmp_path, entries):
    for entry in entries:
        assert cache.find_entry(tmp_path, entry.name) == entry.folder
        assert cache.find_entry(tmp_path, entry.name[:-3]) == entry.folder


def test_a_beginning_of_several_names_is_refused(tmp_path, entries):
    names = ", ".join(sorted(entry.name for entry in entries))
    with pytest.raises(
        ValueError,
        match="^"
        + re.escape(
            "Ambiguous cache_entry. Expected the beginning of one name. Received: made-, with "
            f"which {names} begin."
        ),
    ):
        cache.find_entry(tmp_path, "made-")


def test_a_name_that_is_not_there_is_refused(tmp_path, entries):
    with pytest.raises(ValueError, match=r"^Unknown cache_entry\. Expected one of made-"):
        cache.find_entry(tmp_path, "other")
    with pytest.raises(
        ValueError, match=r"^Unknown cache_entry\. Expected one of none\. Received: other\."
    ):
        cache.find_entry(tmp_path / "elsewhere", "other")


def test_the_entry_of_a_request_is_found(tmp_path, entries):
    assert cache.find_request(tmp_path, asked.make_request(top_k=2)) == entries[1].folder
    with pytest.raises(
        FileNotFoundError,
        match=r"^No stored logits in .*teacher_logits for these flags\. Expected an entry whose "
        r"name ends in [0-9a-f]{16}\. Build it with the same flags: python main\.py cache "
        r"--cache_action=build; or name another: --cache_entry=NAME\.$",
    ):
        cache.find_request(tmp_path, asked.make_request(top_k=3))


def test_an_empty_folder_is_no_entry(tmp_path):
    request = asked.make_request()
    folder = cache.root_of(tmp_path) / f"made-{request.fingerprint[:16]}"
    folder.mkdir(parents=True)
    assert catalogue.find_by_key(folder.parent, request.fingerprint[:16]) is None


def test_removing_takes_one_entry_damaged_or_not(tmp_path, entries):
    (entries[0].folder / "manifest.json").write_text("{")
    cache.remove_entry(entries[0].folder)
    assert [summary.name for summary in cache.summarize_entries(tmp_path)] == [entries[1].name]


def test_what_is_being_built_is_not_removed(tmp_path, entries):
    folder = entries[0].folder
    with (
        locking.hold(folder.parent, folder.name[-16:]),
        pytest.raises(OSError, match=r"is being built by process \d+ on "),
    ):
        cache.remove_entry(folder)
    assert folder.is_dir()
