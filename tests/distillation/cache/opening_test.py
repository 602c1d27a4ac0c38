import re

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distillation import cache
from kd_keras.distillation.cache import entry as entries
from kd_keras.distillation.cache import opening
from tests.distillation.cache import asked


@pytest.fixture(autouse=True)
def _trace_teachers_once(monkeypatch):
    monkeypatch.setattr(opening, "Respondent", asked.make_respondent)


def folder_of(request, directory, label="made"):
    return directory / "teacher_logits" / f"{label}-{request.fingerprint[:16]}"


def test_what_is_not_there_is_built_and_said(tmp_path, capsys):
    request = asked.make_request()
    signal = cache.open_signal(request, tmp_path, views=3, label="made")
    said = capsys.readouterr().out
    assert said.startswith(
        "  teacher cache: 3 views x 23 images x 4 classes, float16: 552 bytes, 552 bytes less "
        f"than float32 of all classes, in {folder_of(request, tmp_path)}\n"
    )
    assert re.search(r"\n  teacher cache: built in \d+ s\n$", said)
    logits = signal(*(tf.constant(value, tf.int64) for value in ([3, 1], 2, 2)))
    expected = asked.expected_logits(request, 2)[[3, 1]]
    np.testing.assert_allclose(logits["teacher_logits"], expected, rtol=1e-3, atol=1e-3)


def test_what_is_there_is_used_and_the_time_that_it_saves_is_said(tmp_path, capsys, monkeypatch):
    request = asked.make_request()
    cache.open_signal(request, tmp_path, views=4, label="made")
    asked.change_json(folder_of(request, tmp_path) / "ledger.json", seconds=240.0)
    capsys.readouterr()
    monkeypatch.setattr(opening, "build", None)
    cache.open_signal(request, tmp_path, views=3, label="other words")
    assert capsys.readouterr().out == (
        "  teacher cache: 3 views found (552 bytes); saves about 3 min 00 s of teacher time\n"
    )


def test_an_entry_is_extended_by_what_it_lacks(tmp_path, capsys, monkeypatch):
    request = asked.make_request()
    cache.open_signal(request, tmp_path, views=1, label="made")
    rows = []

    def build(*arguments, **choices):
        rows.append(entries_build(*arguments, **choices))

    entries_build = opening.build
    monkeypatch.setattr(opening, "build", build)
    capsys.readouterr()
    cache.open_signal(request, tmp_path, views=3, label="made")
    assert rows == [46]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("  teacher cache: 3 views x 23 images")
    assert lines[1].startswith("  teacher cache: 1 view found (184 bytes); saves about ")


def test_samples_and_the_largest_are_in_the_sum(tmp_path, capsys):
    request = asked.make_random_request(top_k=2, storage="float32", augmentation=None)
    cache.open_signal(request, tmp_path, views=1, label="a name/with signs ")
    said = capsys.readouterr().out
    # A row is two classes of a byte, two logits and the rest: 14 bytes, against 16.
    assert (
        "1 view x 3 answers x 23 images x top 2 of 4 classes, float32: 966 bytes, 138 bytes less "
        f"than float32 of all classes, in {folder_of(request, tmp_path, 'a-name-with-signs')}\n"
    ) in said


def test_nothing_is_saved_where_everything_is_kept(tmp_path, capsys):
    request = asked.make_request(storage="float32")
    cache.open_signal(request, tmp_path, views=1, label="made")
    assert "float32: 368 bytes, in " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(999, "999 bytes"), (1000, "1.0 kB"), (27_000_000, "27.0 MB"), (3_900_000_000, "3.9 GB")],
)
def test_sizes_have_units(size_bytes, text):
    assert opening._format_size(size_bytes) == text


@pytest.mark.parametrize("views", [3, 4])
def test_a_damaged_entry_is_neither_used_nor_extended(tmp_path, views):
    request = asked.make_request()
    cache.open_signal(request, tmp_path, views=3, label="made")
    folder = folder_of(request, tmp_path)
    path = folder / "views-0000.bin"
    content = bytearray(path.read_bytes())
    content[100] ^= 4
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"Its views-0000\.bin is damaged\."):
        cache.open_signal(request, tmp_path, views=views, label="made")
    # The command of the message, and then the same again.
    cache.remove_entry(folder)
    cache.open_signal(request, tmp_path, views=views, label="made")


def test_an_entry_under_the_name_of_another_is_refused(tmp_path):
    there, here = asked.make_request(), asked.make_request(asked.make_teacher(3))
    cache.open_signal(there, tmp_path, views=1, label="made")
    folder_of(there, tmp_path).rename(folder_of(here, tmp_path))
    with pytest.raises(ValueError, match=r"It was built from something else\. Different: teacher"):
        cache.open_signal(here, tmp_path, views=1, label="made")


def test_an_entry_of_another_layout_is_refused(tmp_path, monkeypatch):
    request = asked.make_request()
    cache.open_signal(request, tmp_path, views=2, label="made")
    # So many views in a shard as another version of the program would put there.
    monkeypatch.setattr(entries, "_SHARD_BYTES", 1)
    with pytest.raises(ValueError, match=r"Different: manifest\.views_per_shard\."):
        cache.open_signal(request, tmp_path, views=2, label="made")


def test_a_folder_that_was_only_just_made_is_filled(tmp_path):
    request = asked.make_request()
    folder_of(request, tmp_path).mkdir(parents=True)
    cache.open_signal(request, tmp_path, views=1, label="made")
    assert len(cache.summarize_entries(tmp_path)) == 1


def test_the_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    request = asked.make_request()
    cache.open_signal(request, "~/caches", views=1, label="made")
    assert folder_of(request, tmp_path / "caches").is_dir()
