import numpy as np
import pytest
import tensorflow as tf

from kd_keras import data

AUGMENTED = data.Augmentation(crop_padding=2, padding="reflect", flip=True)


@pytest.fixture(params=["in memory", "mapped"])
def split(request, tmp_path):
    images = np.random.RandomState(0).randint(0, 256, size=(20, 5, 6, 2)).astype(np.uint8)
    if request.param == "mapped":
        np.save(tmp_path / "images.npy", images)
        images = np.load(tmp_path / "images.npy", mmap_mode="r")
    return data.Split.from_arrays(images, np.arange(20)).select(range(19, 8, -1))


def take(split, **arguments):
    settings = {"batch_size": 4, "augmentation": AUGMENTED, "seed": 3, **arguments}
    return [images.numpy() for images in data.view_batches(split, **settings)]


def view_of(split, view, seed=3):
    drawn = AUGMENTED.draw(len(split), seed=seed, view=view)
    return AUGMENTED.apply(tf.constant(split.images_at(range(len(split)))), *drawn).numpy()


def test_views_follow_each_other_in_the_order_of_the_split(split):
    batches = take(split, views=[4, 0, 0])
    assert [len(images) for images in batches] == [4, 4, 3] * 3
    expected = np.concatenate([view_of(split, view) for view in (4, 0, 0)])
    np.testing.assert_array_equal(np.concatenate(batches), expected)


def test_a_later_start_gives_the_same_batches(split):
    whole, rest = take(split, views=[2, 5]), take(split, views=[2, 5], first_row=8)
    assert len(rest) == 4
    for expected, images in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(expected, images)


def test_without_augmentation_images_are_as_they_are(split):
    images = np.concatenate(take(split, augmentation=None, views=[1]))
    np.testing.assert_array_equal(images, split.images_at(range(11)))


def test_they_are_the_images_that_training_shows_in_that_epoch(split):
    batches = data.training_batches(
        split,
        batch_size=11,
        augmentation=AUGMENTED,
        seed=0,
        view_seed=3,
        first_epoch=6,
        extras=lambda indices, epoch, view: {"index": indices},
    )
    features, _ = next(batches.as_numpy_iterator())
    images = np.concatenate(take(split, views=[6]))
    np.testing.assert_array_equal(features["image"], images[features["index"]])
