import numpy as np
from sklearn import datasets

from kd_keras.data import digits


def test_pixels_are_those_of_scikit_learn_scaled():
    splits = digits.load_digits()
    source = datasets.load_digits()
    held = splits.train.block.images
    assert held.shape == (1797, 8, 8, 1)
    np.testing.assert_array_equal(held[..., 0], np.round(source.images / 16 * 255))
    assert held.max() == 255


def test_labels_belong_to_their_images():
    splits, source = digits.load_digits(), datasets.load_digits()
    for split in (splits.train, splits.test):
        np.testing.assert_array_equal(split.labels, source.target[split.rows])
    assert splits.class_names == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


def test_test_split_is_a_fixed_fifth_of_every_class():
    splits = digits.load_digits()
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [1438, 0, 359]
    assert not set(splits.train.rows) & set(splits.test.rows)
    shares = np.bincount(splits.test.labels) / np.bincount(datasets.load_digits().target)
    np.testing.assert_allclose(shares, 0.2, atol=0.005)
    assert splits.test.rows[:5].tolist() == [4, 8, 9, 20, 23]


def test_a_digit_means_something_else_in_the_mirror():
    assert not digits.load_digits().flip_keeps_label
