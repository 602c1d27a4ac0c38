import collections
import os
import pathlib
import shutil

import numpy as np
import pytest

from kd_keras.data import store

SHAPE = (7, 4, 4, 3)
IMAGES_BYTES = 7 * 4 * 4 * 3


class Source:
    """Something to read in pieces, that counts how often it is read."""

    def __init__(self, folder):
        self.file = pathlib.Path(folder) / "source"
        self.file.write_text("content")
        random = np.random.RandomState(0)
        self.images = random.randint(0, 256, size=SHAPE).astype(np.uint8)
        self.labels = np.arange(7) % 3
        self.times_read = 0
        self.stops_at = None

    def read(self):
        self.times_read += 1
        for start in range(0, 7, 3):
            if start == self.stops_at:
                raise KeyboardInterrupt
            yield self.images[start : start + 3], self.labels[start : start + 3]


def hold(folder, source, *, limit_bytes=0, shape=SHAPE, dataset_images=7, options=()):
    image_store = store.Store(
        cache_directory=str(folder / "cache"), memory_limit_gigabytes=limit_bytes / 1e9
    )
    return image_store.hold(
        source.read,
        shape=shape,
        dataset_images=dataset_images,
        name="made train",
        files=[source.file],
        options=options,
    )


def cached_files(folder):
    return sorted(path.name for path in (folder / "cache").glob("*/*"))


def check_content(split, source):
    np.testing.assert_array_equal(split.images_at(range(7)), source.images)
    np.testing.assert_array_equal(split.labels, source.labels)
    assert split.labels.dtype == np.int32


def test_what_fits_is_held_in_memory(tmp_path):
    source = Source(tmp_path)
    split = hold(tmp_path, source, limit_bytes=IMAGES_BYTES)
    assert not split.block.is_mapped
    check_content(split, source)
    assert not (tmp_path / "cache").exists()


def test_what_does_not_fit_is_mapped(tmp_path):
    source = Source(tmp_path)
    split = hold(tmp_path, source, limit_bytes=IMAGES_BYTES - 1)
    assert split.block.is_mapped
    check_content(split, source)
    assert cached_files(tmp_path) == ["images.npy", "labels.npy"]
    (folder,) = (tmp_path / "cache").iterdir()
    assert folder.name.startswith("made-train-")


def test_the_whole_dataset_decides(tmp_path):
    source = Source(tmp_path)
    assert hold(tmp_path, source, limit_bytes=IMAGES_BYTES, dataset_images=8).block.is_mapped


def test_mapped_images_are_read_once(tmp_path):
    source = Source(tmp_path)
    for _ in range(3):
        check_content(hold(tmp_path, source), source)
    assert source.times_read == 1


@pytest.mark.parametrize("changed", ["size", "time", "options"])
def test_mapped_images_are_read_again_when_something_has_changed(tmp_path, changed):
    source = Source(tmp_path)
    hold(tmp_path, source, options=(False,))
    if changed == "size":
        source.file.write_text("longer content")
    elif changed == "time":
        os.utime(source.file, ns=(0, 0))
    source.images = source.images[::-1]
    split = hold(tmp_path, source, options=(changed == "options",))
    assert source.times_read == 2
    check_content(split, source)


def test_a_run_that_was_killed_is_begun_again(tmp_path):
    source = Source(tmp_path)
    source.stops_at = 6
    with pytest.raises(KeyboardInterrupt):
        hold(tmp_path, source)
    assert cached_files(tmp_path) == ["images.incomplete"]
    source.stops_at = None
    check_content(hold(tmp_path, source), source)
    assert source.times_read == 2
    assert cached_files(tmp_path) == ["images.npy", "labels.npy"]


def test_both_files_are_on_the_disk_before_the_images_have_their_name(tmp_path, monkeypatch):
    was_there = []
    synchronize = os.fsync

    def fsync(descriptor):
        was_there.append("images.npy" in cached_files(tmp_path))
        synchronize(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    hold(tmp_path, Source(tmp_path))
    assert was_there == [False, False]


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
@pytest.mark.parametrize("content", [b"", bytes(200), "half", None])
def test_damaged_files_are_said_with_what_to_remove(tmp_path, name, content):
    source = Source(tmp_path)
    hold(tmp_path, source)
    (folder,) = (tmp_path / "cache").iterdir()
    path = folder / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-7] if content == "half" else content)
    if (name, content) == ("images.npy", None):
        check_content(hold(tmp_path, source), source)
        return
    with pytest.raises(ValueError, match="Damaged decoded images") as error:
        hold(tmp_path, source)
    said = str(error.value)
    assert said.startswith(f"Damaged decoded images in {folder}. Expected images.npy and labels")
    assert said.endswith(". Remove the folder: they are decoded anew.")


def test_two_runs_at_once_both_get_the_images(tmp_path):
    slow, quick = Source(tmp_path), Source(tmp_path)
    slow.file = quick.file

    def read_while_another_run_finishes():
        pieces = list(Source.read(slow))
        yield from pieces[:1]
        check_content(hold(tmp_path, quick), quick)
        yield from pieces[1:]

    slow.read = read_while_another_run_finishes
    check_content(hold(tmp_path, slow), slow)
    assert quick.times_read == 1
    assert cached_files(tmp_path) == ["images.npy", "labels.npy"]


@pytest.mark.parametrize("limit_bytes", [0, IMAGES_BYTES * 2], ids=["mapped", "in memory"])
@pytest.mark.parametrize("expected", [6, 8])
def test_another_number_of_images_is_refused(tmp_path, limit_bytes, expected):
    with pytest.raises(ValueError, match="Unexpected number") as error:
        hold(tmp_path, Source(tmp_path), limit_bytes=limit_bytes, shape=(expected, *SHAPE[1:]))
    assert str(error.value) == (
        f"Unexpected number of images in made train. Expected {expected}. Received: 7."
    )
    assert cached_files(tmp_path) == []


def test_a_disk_that_is_too_full_is_refused_before_the_reading(tmp_path, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12 - 10**9, 10**9))
    source = Source(tmp_path)
    with pytest.raises(OSError, match="Not enough space") as error:
        hold(tmp_path, source, shape=(10**6, 50, 50, 3))
    (folder,) = (tmp_path / "cache").iterdir()
    assert str(error.value) == (
        f"Not enough space for decoded images in {folder}. Expected 7.50 GB free. Received: "
        "1.00 GB. Make room, or choose another disk with --cache_directory."
    )


def test_home_folder_in_the_cache_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    source = Source(tmp_path)
    image_store = store.Store(cache_directory="~/cache", memory_limit_gigabytes=0.0)
    image_store.hold(
        source.read, shape=SHAPE, dataset_images=7, name="made train", files=[source.file]
    )
    assert cached_files(tmp_path) == ["images.npy", "labels.npy"]
