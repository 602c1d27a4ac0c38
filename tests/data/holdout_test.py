import numpy as np
import pytest

from kd_keras.data import Split, Splits, holdout


def make_splits(labels, *, num_test=0, num_validation=0, num_classes=None):
    labels = np.asarray(labels)
    count = len(labels) + num_test + num_validation
    # The image's first pixel is its index, so that one can see where it went.
    images = np.zeros([count, 1, 1, 2], np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
    own = np.arange(num_test + num_validation) % 2
    whole = Split.from_arrays(images, np.concatenate([labels, own]))
    borders = [len(labels), len(labels) + num_test]
    train, test, validation = np.split(np.arange(count), borders)
    return Splits(
        name="made",
        train=whole.select(train),
        validation=whole.select(validation),
        test=whole.select(test),
        class_names=tuple(f"class{label}" for label in range(num_classes or labels.max() + 1)),
        flip_keeps_label=True,
    )


def divide(splits, **changes):
    values = {
        "validation_fraction": 0.0,
        "test_fraction": 0.0,
        "split_seed": 0,
        "max_train_examples": 0,
    }
    return holdout.divide(splits, **{**values, **changes})


def numbers(split):
    pixels = split.images_at(range(len(split)))[:, 0, 0].astype(int)
    return (pixels[:, 0] + 256 * pixels[:, 1]).tolist()


def test_a_sample_takes_its_share_of_every_class():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    remaining, drawn = holdout.split_off(labels, 16, num_classes=3, seed=[0])
    np.testing.assert_array_equal(np.bincount(labels[drawn]), [10, 5, 1])
    np.testing.assert_array_equal(np.sort(np.concatenate([remaining, drawn])), np.arange(160))
    assert (np.diff(drawn) > 0).all()
    assert (np.diff(remaining) > 0).all()


def test_a_sample_rounds_to_the_number_asked_for():
    labels = np.repeat([0, 1, 2], [7, 7, 7])
    _, drawn = holdout.split_off(labels, 10, num_classes=3, seed=[0])
    np.testing.assert_array_equal(np.bincount(labels[drawn]), [4, 3, 3])


def test_a_sample_leaves_one_of_every_class():
    labels = np.array([0] * 20 + [1] + [2, 2])
    remaining, _ = holdout.split_off(labels, 20, num_classes=3, seed=[0])
    np.testing.assert_array_equal(np.bincount(labels[remaining]), [1, 1, 1])


def test_a_sample_is_the_same_for_ever():
    _, drawn = holdout.split_off(np.arange(40) % 2, 6, num_classes=2, seed=[3, 1])
    np.testing.assert_array_equal(drawn, [14, 21, 26, 27, 35, 36])


def test_a_sample_changes_with_the_seed():
    draws = [
        holdout.split_off(np.zeros(100, int), 10, num_classes=1, seed=[seed])[1].tolist()
        for seed in range(5)
    ]
    assert len({tuple(draw) for draw in draws}) == 5


def test_validation_and_test_are_cut_off_train():
    splits = divide(make_splits(np.arange(200) % 4), validation_fraction=0.1, test_fraction=0.2)
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [144, 16, 40]
    together = numbers(splits.train) + numbers(splits.validation) + numbers(splits.test)
    assert sorted(together) == list(range(200))
    assert numbers(splits.train) == sorted(numbers(splits.train))
    for split in (splits.train, splits.validation, splits.test):
        np.testing.assert_array_equal(split.labels, np.array(numbers(split)) % 4)
        np.testing.assert_array_equal(np.bincount(split.labels), [len(split) // 4] * 4)
    assert splits.notes == ("No test split: 40 of 200 training images are held out as test.",)


def test_splits_of_the_source_are_left_as_they_are():
    source = make_splits(np.arange(20) % 2, num_test=6, num_validation=4)
    splits = divide(source, validation_fraction=0.5, test_fraction=0.5)
    assert splits.train is source.train
    assert splits.validation is source.validation
    assert splits.test is source.test
    assert splits.notes == (
        "The dataset has a validation split of its own of 4 images: validation_fraction is not "
        "used.",
    )


def test_fractions_of_zero_hold_nothing_out():
    source = make_splits(np.arange(20) % 2)
    splits = divide(source)
    assert splits.train is source.train
    assert [len(splits.validation), len(splits.test)] == [0, 0]
    assert splits.notes == ("No test split: test_fraction is 0, so nothing is held out as test.",)


def test_a_small_fraction_holds_out_one():
    splits = divide(make_splits(np.arange(20) % 2, num_test=2), validation_fraction=0.001)
    assert len(splits.validation) == 1


def test_division_follows_the_split_seed():
    source = make_splits(np.arange(200) % 2, num_test=2)
    first, again, other = (
        divide(source, validation_fraction=0.1, split_seed=seed) for seed in (1, 1, 2)
    )
    assert numbers(first.validation) == numbers(again.validation)
    assert numbers(first.validation) != numbers(other.validation)
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


def test_a_limit_keeps_a_share_of_every_class():
    source = make_splits(np.repeat([0, 1], [150, 50]), num_test=2)
    unlimited = divide(source, validation_fraction=0.1)
    limited = divide(source, validation_fraction=0.1, max_train_examples=40)
    np.testing.assert_array_equal(np.bincount(limited.train.labels), [30, 10])
    assert set(numbers(limited.train)) < set(numbers(unlimited.train))
    assert numbers(limited.validation) == numbers(unlimited.validation)


def test_a_limit_follows_the_split_seed():
    source = make_splits(np.arange(200) % 2, num_test=2)
    first, again, other = (
        numbers(divide(source, max_train_examples=50, split_seed=seed).train) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_limit_above_the_number_of_images_changes_nothing():
    source = make_splits(np.arange(20) % 2, num_test=2)
    assert divide(source, max_train_examples=20).train is source.train
    assert divide(source, max_train_examples=1000).train is source.train


def test_a_limit_keeps_every_class():
    source = make_splits(np.array([0] * 50 + [1]), num_test=2)
    np.testing.assert_array_equal(divide(source, max_train_examples=2).train.labels, [0, 1])
    with pytest.raises(
        ValueError,
        match=r"^Invalid value for max_train_examples\. Expected 0 for all, or at least one image "
        r"for each of the 2 classes\. Received: 1\.$",
    ):
        divide(source, max_train_examples=1)


@pytest.mark.parametrize("fraction", [0.95, 1.0, 1.5, -0.1])
@pytest.mark.parametrize("name", ["validation_fraction", "test_fraction"])
def test_a_fraction_must_leave_an_image_of_every_class(name, fraction):
    with pytest.raises(ValueError, match="Invalid value") as error:
        divide(make_splits(np.arange(20) % 2), **{name: fraction})
    assert str(error.value) == (
        f"Invalid value for {name}. Expected a fraction from 0 to below 1 that leaves one training "
        "image in each of the 2 classes: of 20 images, at most 18 can be held out. Received: "
        f"{fraction}."
    )


def test_every_class_must_have_training_images():
    with pytest.raises(
        ValueError,
        match=r"^Classes without training images in made\. Expected at least one image of each of "
        r"the 4 classes\. Received: none of class1, class3\.$",
    ):
        divide(make_splits([0, 2, 0, 2], num_classes=4))
