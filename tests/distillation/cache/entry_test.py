import json
import re

import pytest

from kd_keras.distillation import cache
from kd_keras.distillation.cache import entry as entries
from tests.distillation.cache import asked


@pytest.fixture
def entry(tmp_path):
    request = asked.make_request()
    return cache.Entry.create(tmp_path / "teacher_logits" / "made-0123456789abcdef", request)


def refusal(entry, reason):
    """The whole sentence, with the command that a user can paste."""
    root = entry.folder.parent.parent
    return "^" + re.escape(
        f"The teacher cache {entry.folder} cannot be used. {reason} Remove it, and the next run "
        "builds it anew: python main.py cache --cache_action=remove "
        f"--cache_entry={entry.name} --cache_directory={root}"
    )


def test_a_new_entry_says_what_it_holds_and_holds_nothing(entry):
    manifest = cache.Entry(entry.folder).manifest
    assert manifest == entry.manifest
    assert (manifest.images, manifest.classes, manifest.samples) == (23, 4, 1)
    assert (manifest.record_bytes, manifest.batch_size) == (8, 5)
    assert manifest.identity == asked.make_request().identity
    assert entry.read_ledger() == entries.Ledger(rows=0, checksums=[], seconds=0.0)
    assert entry.count_views(entry.read_ledger()) == 0


def test_a_shard_holds_whole_views_of_half_a_gigabyte_together(tmp_path, monkeypatch):
    assert entries.Manifest.of(asked.make_request()).views_per_shard == 512 * 10**6 // (23 * 8)
    monkeypatch.setattr(entries, "_SHARD_BYTES", 2 * 23 * 8 + 1)
    entry = cache.Entry.create(tmp_path / "made", asked.make_request())
    assert entry.manifest.views_per_shard == 2
    assert [entry.shard_of_row(row) for row in (0, 45, 46, 100)] == [
        (0, 0),
        (0, 45),
        (1, 0),
        (2, 8),
    ]
    assert entry.rows_by_shard(0) == []
    assert entry.rows_by_shard(46) == [46]
    assert entry.rows_by_shard(100) == [46, 46, 8]
    # One view that is larger than a shard should be still has its place.
    monkeypatch.setattr(entries, "_SHARD_BYTES", 1)
    assert entries.Manifest.of(asked.make_request()).views_per_shard == 1


def test_samples_are_rows_of_their_view(tmp_path):
    entry = cache.Entry.create(tmp_path / "made", asked.make_request(samples=3))
    assert entry.rows_per_view == 69
    assert entry.count_views(entries.Ledger(rows=68)) == 0
    assert entry.count_views(entries.Ledger(rows=140)) == 2


def test_a_ledger_comes_back(entry):
    ledger = entries.Ledger(rows=23, checksums=[7], seconds=1.5)
    entry.write_ledger(ledger)
    assert entry.read_ledger() == ledger


def test_an_entry_answers_its_own_request(entry):
    entry.require(asked.make_request())


def test_an_entry_of_something_else_is_refused_and_what_differs_is_named(entry):
    other = asked.make_request(asked.make_teacher(3), view_seed=1)
    reason = "It was built from something else. Different: teacher, view_seed."
    with pytest.raises(ValueError, match=refusal(entry, reason)):
        entry.require(other)


def test_a_manifest_that_contradicts_itself_is_refused(entry):
    asked.change_json(entry.folder / "manifest.json", samples=2)
    reason = "It was built from something else. Different: manifest.samples."
    with pytest.raises(ValueError, match=refusal(entry, reason)):
        cache.Entry(entry.folder).require(asked.make_request())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "Its manifest.json is missing or damaged. No file at "),
        ("{", "Its manifest.json is missing or damaged. Damaged file "),
        ("[1]", "Its manifest.json is missing or damaged. "),
        ('{"images": 1}', "Its manifest.json is missing or damaged. "),
    ],
)
def test_a_garbled_manifest_is_refused(entry, text, said):
    path = entry.folder / "manifest.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        cache.Entry(entry.folder)
    assert f"--cache_action=remove --cache_entry={entry.name}" in str(caught.value)


@pytest.mark.parametrize("value", ["23", None, 23.5])
def test_a_manifest_of_other_types_is_refused(entry, value):
    asked.change_json(entry.folder / "manifest.json", images=value)
    with pytest.raises(ValueError, match=r"Its manifest\.json is "):
        cache.Entry(entry.folder)


def test_numbers_that_cannot_be_are_refused(entry):
    asked.change_json(entry.folder / "manifest.json", views_per_shard=0)
    with pytest.raises(ValueError, match=r"damaged\. Expected numbers above 0\."):
        cache.Entry(entry.folder)
    entry.write_ledger(entries.Ledger())
    asked.change_json(entry.folder / "ledger.json", rows=-1)
    with pytest.raises(ValueError, match=r"damaged\. Expected 0 rows or more\."):
        entry.read_ledger()


def test_a_garbled_ledger_is_refused(entry):
    entry.write_ledger(entries.Ledger())
    ledger = entry.folder / "ledger.json"
    ledger.write_text(ledger.read_text()[:-10])
    with pytest.raises(ValueError, match=r"Its ledger\.json is missing or damaged\."):
        entry.read_ledger()
    ledger.write_text(json.dumps({"rows": "many", "checksums": [], "seconds": 0.0}))
    with pytest.raises(ValueError, match=r"Its ledger\.json is "):
        entry.read_ledger()


def test_the_command_survives_a_space_in_the_path(tmp_path):
    said = str(entries.damaged(tmp_path / "my cache" / "teacher_logits" / "made", "Why."))
    assert said.endswith(f"--cache_directory='{tmp_path}/my cache'")
