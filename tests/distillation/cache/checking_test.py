import re

import keras
import numpy as np
import pytest

from kd_keras.distillation import cache
from kd_keras.distillation.cache import checking
from kd_keras.distillation.cache import entry as entries
from tests.distillation.cache import asked


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """Of three views in two shards."""
    monkeypatch.setattr(entries, "_SHARD_BYTES", 2 * asked.IMAGES * 8)
    return asked.build_entry(tmp_path / "teacher_logits")


def refused(entry, reason, request=None):
    with pytest.raises(ValueError, match=reason) as caught:
        cache.check_entry(entry.folder, request)
    said = str(caught.value)
    assert said.startswith(f"The teacher cache {entry.folder} cannot be used. ")
    assert f"python main.py cache --cache_action=remove --cache_entry={entry.name} " in said


def test_a_whole_entry_passes(entry):
    assert cache.check_entry(entry.folder).name == entry.name
    cache.check_entry(entry.folder, asked.make_request())


@pytest.mark.parametrize("shard", [0, 1])
@pytest.mark.parametrize("place", [0, 91, -1])
def test_a_flipped_bit_is_seen(entry, shard, place):
    path = asked.shards_of(entry)[shard]
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    refused(entry, rf"Its {path.name} is damaged\. Expected the checksum \d+\. Received: \d+\.")


def test_a_short_or_missing_file_is_seen(entry):
    path = asked.shards_of(entry)[1]
    path.write_bytes(path.read_bytes()[:-1])
    refused(entry, r"Its views-0001\.bin is too short\. Expected 184 bytes\. Received: 183\.")
    path.unlink()
    refused(entry, r"Its views-0001\.bin is too short\. Expected 184 bytes\. Received: 0\.")


def test_a_ledger_of_other_rows_is_seen(entry):
    asked.change_json(entry.folder / "ledger.json", rows=46)
    refused(entry, r"Its ledger\.json is damaged\. Expected 1 checksums\. Received: 2\.")
    asked.change_json(entry.folder / "ledger.json", rows=68)
    refused(entry, r"Its views-0001\.bin is damaged\. Expected the checksum")


def test_what_lies_beyond_the_ledger_is_not_looked_at(entry):
    with asked.shards_of(entry)[1].open("ab") as file:
        file.write(b"of a process that was killed")
    cache.check_entry(entry.folder, asked.make_request())


def test_the_entry_of_another_teacher_is_seen_by_its_manifest(entry):
    other = asked.make_request(asked.make_teacher(3))
    refused(entry, r"It was built from something else\. Different: teacher\.", other)


@pytest.mark.parametrize(
    "change",
    [
        {"teacher": asked.make_teacher(3)},
        {"view_seed": 1},
        {"split": asked.make_split(seed=1)},
        {"augmentation": None},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("top_k", [0, 2])
def test_whole_files_of_something_else_are_seen_by_asking(tmp_path, change, top_k):
    """As if the fingerprint had not changed with what the logits depend on."""
    there, here = asked.make_request(top_k=top_k, **change), asked.make_request(top_k=top_k)
    entry = asked.build_entry(tmp_path, there)
    cache.check_entry(entry.folder, there)
    asked.change_json(entry.folder / "manifest.json", identity=here.identity)
    reason = (
        r"The teacher says something else of \d+ of \d+ images\. Expected a difference of 0\.016 "
        r"of the largest logit at most\. Received: \d\.\d{3}\."
    )
    refused(entry, reason, here)


def test_an_entry_with_masks_is_asked_about_whole_batches(tmp_path):
    request = asked.make_random_request()
    entry = asked.build_entry(tmp_path, request, views=2)
    respondent = asked.make_respondent(request)
    for seed in range(4):
        generator = np.random.default_rng(seed)
        checking.check_answers(entry, respondent, request, generator=generator)
    # Other masks give other logits.
    other = asked.with_other(request, view_seed=1, augmentation=None)
    with pytest.raises(ValueError, match="The teacher says something else"):
        checking.check_answers(entry, asked.make_respondent(other), other)


def test_every_complete_batch_can_be_drawn_and_no_other(tmp_path):
    """Of one and a half views, whose second one is half wrong beyond the ledger."""
    request = asked.make_request()
    entry = asked.build_entry(tmp_path, request, views=2)
    path = asked.shards_of(entry)[0]
    complete = 23 + 10
    content = bytearray(path.read_bytes())
    content[complete * 8 :] = bytes(len(content) - complete * 8)
    path.write_bytes(content)
    asked.change_json(entry.folder / "ledger.json", rows=complete)
    drawn = []

    class Generator:
        def integers(self, available):
            drawn.append(available)
            return len(drawn) - 1

    respondent, generator = asked.make_respondent(request), Generator()
    for _ in range(7):
        checking.check_answers(entry, respondent, request, generator=generator)
    assert drawn == [7] * 7


def test_an_empty_entry_is_not_asked_about(tmp_path):
    request = asked.make_request()
    entry = asked.build_entry(tmp_path, request, views=0)
    cache.check_entry(entry.folder, request)


def test_rounding_of_a_teacher_in_low_precision_is_no_damage(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    request = asked.make_request(asked.make_teacher())
    entry = asked.build_entry(tmp_path, request)
    keras.config.set_dtype_policy("float32")
    exact = asked.make_teacher()
    exact.set_weights(request.teacher.get_weights())
    respondent = asked.make_respondent(asked.make_request(exact))
    checking.check_answers(entry, respondent, request)
    with pytest.raises(ValueError, match=re.escape("Expected a difference of 0.125")):
        checking.check_answers(
            entry, asked.make_respondent(asked.make_request(asked.make_teacher(3))), request
        )
