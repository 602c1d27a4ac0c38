import hashlib

import numpy as np
import pytest

from kd_keras.data import Split, Splits


def make_images(count, *, side=3, channels=2):
    random = np.random.RandomState(count)
    return random.randint(0, 256, size=(count, side, side, channels)).astype(np.uint8)


def make_splits(train, **changes):
    values = {
        "name": "made",
        "train": train,
        "validation": train.select([]),
        "test": train.select([]),
        "class_names": ("cat", "dog"),
        "flip_keeps_label": True,
    }
    return Splits(**{**values, **changes})


def test_a_split_reads_the_images_it_is_asked_for():
    images = make_images(5)
    split = Split.from_arrays(images, [0, 1, 0, 1, 1])
    assert len(split) == 5
    assert split.image_shape == (3, 3, 2)
    assert split.labels.dtype == np.int32
    np.testing.assert_array_equal(split.images_at([4, 0, 4]), images[[4, 0, 4]])


def test_a_selection_is_a_view_through_rows():
    images, labels = make_images(6), np.array([0, 1, 2, 3, 4, 5])
    once = Split.from_arrays(images, labels).select([5, 3, 1, 0])
    twice = once.select([2, 0])
    assert twice.block is once.block
    np.testing.assert_array_equal(twice.labels, [1, 5])
    np.testing.assert_array_equal(twice.images_at([0, 1]), images[[1, 5]])


def test_images_of_a_mapped_split_stay_on_disk(tmp_path):
    images = make_images(4)
    np.save(tmp_path / "images.npy", images)
    split = Split.from_arrays(np.load(tmp_path / "images.npy", mmap_mode="r"), [0, 1, 0, 1])
    assert split.select([1, 2]).block.is_mapped
    read = split.images_at([3, 2])
    assert not isinstance(read, np.memmap)
    np.testing.assert_array_equal(read, images[[3, 2]])


def test_chance_chooses_images_by_its_seed():
    images = make_images(50)
    split = Split.from_arrays(images, np.arange(50)).select(np.arange(10, 50))
    drawn = split.draw_images(20, seed=3)
    np.testing.assert_array_equal(drawn, split.draw_images(20, seed=3))
    assert not np.array_equal(drawn, split.draw_images(20, seed=4))
    numbers = [next(i for i in range(50) if np.array_equal(images[i], one)) for one in drawn]
    assert numbers == sorted(set(numbers))
    assert min(numbers) >= 10
    np.testing.assert_array_equal(split.draw_images(99, seed=3), images[10:])


def test_an_empty_split_has_a_shape():
    split = Split.from_arrays(make_images(2), [0, 1]).select([])
    assert len(split) == 0
    assert split.image_shape == (3, 3, 2)
    assert split.images_at([]).shape == (0, 3, 3, 2)


def test_labels_must_match_the_images():
    with pytest.raises(
        ValueError,
        match=r"^Images and labels disagree in number. Expected one label for each image. "
        r"Received: 3 images, 2 labels\.$",
    ):
        Split.from_arrays(make_images(3), [0, 1])


def test_shape_and_classes_are_those_of_the_training_split():
    splits = make_splits(Split.from_arrays(make_images(2), [0, 1]))
    assert splits.image_shape == (3, 3, 2)
    assert splits.num_classes == 2


def test_statistics_are_of_the_training_split_alone():
    images = make_images(9)
    whole = Split.from_arrays(images, np.arange(9) % 2)
    splits = make_splits(whole.select(range(6)), test=whole.select([6, 7, 8]))
    pixels = images[:6].astype(np.float64)
    np.testing.assert_allclose(splits.mean, pixels.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(splits.standard_deviation, pixels.std(axis=(0, 1, 2)))


def test_fingerprint_is_of_content_labels_and_names():
    images = make_images(4)
    whole = Split.from_arrays(images, [0, 1, 0, 1])
    splits = make_splits(whole.select([0, 1, 2]), test=whole.select([3]))
    text = hashlib.sha256(repr(("cat", "dog")).encode())
    for rows, labels in (([0, 1, 2], [0, 1, 0]), ([], []), ([3], [1])):
        text.update(repr((len(rows), (3, 3, 2))).encode())
        text.update(np.array(labels, "<i4").tobytes())
        text.update(images[rows].tobytes())
    assert splits.fingerprint == text.hexdigest()


@pytest.mark.parametrize(
    "changed",
    ["pixel", "label", "order", "class name", "border"],
)
def test_fingerprint_changes_with(changed):
    images, labels, rows, names = make_images(4), np.array([0, 1, 0, 1]), [0, 1, 2], ("a", "b")
    before = make_splits(Split.from_arrays(images, labels).select(rows), class_names=names)
    images = images.copy()
    if changed == "pixel":
        images[2, 0, 0, 0] ^= 1
    elif changed == "label":
        labels = np.array([0, 1, 1, 1])
    elif changed == "order":
        rows = [0, 2, 1]
    elif changed == "class name":
        names = ("a", "c")
    else:
        rows = [0, 1]
    after = make_splits(Split.from_arrays(images, labels).select(rows), class_names=names)
    assert before.fingerprint != after.fingerprint


def test_a_split_has_a_fingerprint_of_its_own():
    images = make_images(4)
    split = Split.from_arrays(images, [0, 1, 0, 1]).select([2, 0])
    text = hashlib.sha256(repr(()).encode())
    text.update(repr((2, (3, 3, 2))).encode())
    text.update(np.array([0, 0], "<i4").tobytes())
    text.update(images[[2, 0]].tobytes())
    assert split.fingerprint == text.hexdigest()
