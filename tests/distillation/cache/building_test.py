import errno
import shutil
import zlib

import numpy as np
import pytest

from kd_keras.distillation import cache
from kd_keras.distillation.cache import building
from kd_keras.distillation.cache import entry as entries
from tests.distillation.cache import asked


class Asked:
    """Counts what a teacher is asked, and stops being of use after some batches."""

    def __init__(self, request, stops_after=10**9, error=KeyboardInterrupt):
        self._respondent = asked.make_respondent(request)
        self.rows, self._left, self._error = 0, stops_after, error

    def answers(self, passes, **arguments):
        for logits in self._respondent.answers(passes, **arguments):
            if not self._left:
                raise self._error
            self._left -= 1
            self.rows += len(logits)
            yield logits


def create(folder, request):
    return cache.Entry.create(folder / f"made-{request.fingerprint[:16]}", request)


def bytes_of(entry):
    return [path.read_bytes() for path in asked.shards_of(entry)]


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    """Two views in a shard, and every batch on the disk at once."""
    monkeypatch.setattr(building, "_COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(entries, "_SHARD_BYTES", 2 * asked.IMAGES * 8)


def test_a_teacher_that_gives_too_few_answers_ends_it(tmp_path):
    class Few:
        def answers(self, passes, **arguments):
            yield np.zeros([7, asked.CLASSES], "float32")

    request = asked.make_request()
    entry = create(tmp_path, request)
    with pytest.raises(ValueError, match=r"ended early\. Expected 46 rows\. Received: 7\."):
        building.build(entry, Few(), request.record, views=2)


@pytest.mark.parametrize("choices", [{}, {"storage": "float32"}, {"augmentation": None}])
def test_an_entry_holds_the_logits_of_every_view(tmp_path, choices):
    request = asked.make_request(**choices)
    entry = create(tmp_path, request)
    assert building.build(entry, asked.make_respondent(request), request.record, views=3) == 69
    digits = 1e-5 if "storage" in choices else 1e-3
    for view in range(3):
        np.testing.assert_allclose(
            asked.read_logits(entry, request, view),
            asked.expected_logits(request, view),
            rtol=digits,
            atol=digits,
        )


def test_samples_lie_beside_each_other_and_differ(tmp_path):
    request = asked.make_random_request()
    entry = create(tmp_path, request)
    building.build(entry, asked.make_respondent(request), request.record, views=2)
    samples = [
        asked.read_logits(entry, request, view, sample) for view in (0, 1) for sample in range(3)
    ]
    for number, one in enumerate(samples):
        assert all(not np.allclose(one, other) for other in samples[number + 1 :])


def test_the_ledger_counts_rows_checksums_and_time(tmp_path):
    request = asked.make_request()
    entry = create(tmp_path, request)
    building.build(entry, asked.make_respondent(request), request.record, views=3)
    ledger = entry.read_ledger()
    assert ledger.rows == 69
    assert ledger.checksums == [zlib.crc32(content) for content in bytes_of(entry)]
    assert [len(content) for content in bytes_of(entry)] == [46 * 8, 23 * 8]
    assert ledger.seconds > 0


@pytest.mark.parametrize(
    ("make_request", "batches"),
    [(asked.make_request, 7), (asked.make_request, 10), (asked.make_random_request, 18)],
)
def test_a_broken_off_build_goes_on_to_the_same_bytes(tmp_path, batches, make_request):
    request = make_request()
    whole, broken = create(tmp_path / "whole", request), create(tmp_path / "broken", request)
    building.build(whole, asked.make_respondent(request), request.record, views=3)
    first = Asked(request, stops_after=batches)
    with pytest.raises(KeyboardInterrupt):
        building.build(broken, first, request.record, views=3)
    assert broken.read_ledger().rows == first.rows > 0
    second = Asked(request)
    assert building.build(broken, second, request.record, views=3) == second.rows
    assert first.rows + second.rows == 3 * whole.rows_per_view
    assert bytes_of(broken) == bytes_of(whole)
    assert broken.read_ledger().checksums == whole.read_ledger().checksums


def test_what_a_killed_process_wrote_beyond_the_ledger_is_cut_off(tmp_path):
    request = asked.make_request()
    whole, killed = create(tmp_path / "whole", request), create(tmp_path / "killed", request)
    building.build(whole, asked.make_respondent(request), request.record, views=3)
    with pytest.raises(KeyboardInterrupt):
        building.build(killed, Asked(request, stops_after=2), request.record, views=3)
    with asked.shards_of(killed)[0].open("ab") as file:
        file.write(b"half a row of a batch that nobody counted")
    building.build(killed, asked.make_respondent(request), request.record, views=3)
    assert bytes_of(killed) == bytes_of(whole)


def test_more_views_extend_an_entry(tmp_path):
    request = asked.make_request()
    whole, grown = create(tmp_path / "whole", request), create(tmp_path / "grown", request)
    building.build(whole, asked.make_respondent(request), request.record, views=5)
    for views, rows in ((1, 23), (3, 46), (3, 0), (5, 46)):
        assert (
            building.build(grown, asked.make_respondent(request), request.record, views=views)
            == rows
        )
    assert bytes_of(grown) == bytes_of(whole)
    assert grown.read_ledger().checksums == whole.read_ledger().checksums


def test_a_batch_size_given_later_does_not_change_the_bytes(tmp_path):
    request = asked.make_random_request()
    whole, grown = create(tmp_path / "whole", request), create(tmp_path / "grown", request)
    building.build(whole, asked.make_respondent(request), request.record, views=2)
    with pytest.raises(KeyboardInterrupt):
        building.build(grown, Asked(request, stops_after=3), request.record, views=2)
    other = asked.with_other(request, batch_size=7)
    building.build(grown, asked.make_respondent(other), other.record, views=2)
    assert bytes_of(grown) == bytes_of(whole)


def test_too_little_space_is_said_before_the_work(tmp_path, monkeypatch):
    request = asked.make_request()
    entry = create(tmp_path, request)
    usage = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    respondent = Asked(request)
    with pytest.raises(
        OSError,
        match=r"^Not enough space for the teacher's logits in .*\. Expected 0\.01 GB free\. "
        r"Received: 0\.00 GB\. Make room, choose another disk with --cache_directory, keep less "
        r"with --signal_top_k, or let views repeat with --views\.$",
    ):
        building.build(entry, respondent, request.record, views=50_000)
    assert respondent.rows == 0


def test_a_disk_that_fills_up_leaves_what_is_complete(tmp_path):
    request = asked.make_request()
    entry = create(tmp_path, request)
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space left on device"):
        building.build(entry, Asked(request, 6, full), request.record, views=3)
    assert entry.read_ledger().rows == 28
    cache.check_entry(entry.folder, request)


def test_a_logit_that_does_not_fit_leaves_what_is_complete(tmp_path):
    teacher = asked.make_teacher()
    weights = teacher.get_weights()
    teacher.set_weights([*weights[:-1], weights[-1] + 70_000])
    request = asked.make_request(teacher)
    entry = create(tmp_path, request)
    with pytest.raises(ValueError, match=r"Set --signal_storage=float32\.$"):
        building.build(entry, asked.make_respondent(request), request.record, views=1)
    assert entry.read_ledger().rows == 0
