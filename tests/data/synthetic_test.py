import numpy as np

from kd_keras.data import synthetic


def test_sizes_and_balance():
    splits = synthetic.load_synthetic()
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [256, 0, 64]
    assert splits.image_shape == (8, 8, 3)
    np.testing.assert_array_equal(np.bincount(splits.train.labels), [64] * 4)
    np.testing.assert_array_equal(np.bincount(splits.test.labels), [16] * 4)
    assert not splits.flip_keeps_label


def test_images_are_the_same_every_time():
    assert synthetic.load_synthetic().fingerprint == (
        "baa5facab0b38eaa855036029eb140136b0ba07265172ce161eaed87821e6d0c"
    )


def test_classes_can_be_told_apart_by_their_mean_image():
    splits = synthetic.load_synthetic()
    images = splits.train.images_at(range(256)).astype(float)
    means = np.stack([images[splits.train.labels == label].mean(axis=0) for label in range(4)])
    tested = splits.test.images_at(range(64)).astype(float)
    distances = ((tested[:, None] - means) ** 2).sum(axis=(2, 3, 4))
    assert (distances.argmin(axis=1) == splits.test.labels).mean() > 0.95


def test_images_of_a_class_differ():
    splits = synthetic.load_synthetic()
    assert len(np.unique(splits.train.images_at(range(256)), axis=0)) == 256
