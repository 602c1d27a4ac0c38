import itertools

import numpy as np
import pytest
import tensorflow as tf

from kd_keras import data
from kd_keras.data import Augmentation, batches

NUM_IMAGES = 11
BATCH_SIZE = 4
STEPS = 2


def make_images():
    random = np.random.RandomState(0)
    return random.randint(0, 256, size=(20, 5, 6, 2)).astype(np.uint8)


@pytest.fixture(params=["in memory", "mapped"])
def split(request, tmp_path):
    images = make_images()
    if request.param == "mapped":
        np.save(tmp_path / "images.npy", images)
        images = np.load(tmp_path / "images.npy", mmap_mode="r")
    # Rows of a larger block, in an order of their own.
    rows = [19, 2, 3, 5, 7, 11, 13, 17, 1, 0, 4]
    return data.Split.from_arrays(images, np.arange(20) + 100).select(rows)


@pytest.fixture
def in_memory_split():
    return data.Split.from_arrays(make_images(), np.arange(20) % 4).select(range(NUM_IMAGES))


PLAIN = Augmentation(crop_padding=0, padding="zero", flip=False)
AUGMENTED = Augmentation(crop_padding=2, padding="reflect", flip=True)


def train_on(split, *, augmentation=PLAIN, seed=0, **settings):
    return batches.training_batches(
        split, batch_size=BATCH_SIZE, augmentation=augmentation, seed=seed, **settings
    )


def take(dataset, steps):
    """Batches as NumPy arrays: lists of images, of labels."""
    taken = list(itertools.islice(dataset.as_numpy_iterator(), steps))
    return [features["image"] for features, _ in taken], [labels for _, labels in taken]


def positions(split, labels):
    """Indices into the split of examples that one knows by their labels."""
    return [split.labels.tolist().index(label) for label in np.concatenate(labels)]


def test_batches_have_the_structure_promised(split):
    def extras(indices, epoch, view):
        return {"twice": 2 * tf.cast(indices, tf.float32)}

    features, labels = train_on(split, extras=extras).element_spec
    assert features == {
        "image": tf.TensorSpec([4, 5, 6, 2], tf.uint8),
        "twice": tf.TensorSpec([4], tf.float32),
    }
    assert labels == tf.TensorSpec([4], tf.int32)
    features, labels = batches.evaluation_batches(
        split, batch_size=BATCH_SIZE, extras=extras
    ).element_spec
    assert features["image"] == tf.TensorSpec([None, 5, 6, 2], tf.uint8)
    assert set(features) == {"image", "twice"}
    assert labels == tf.TensorSpec([None], tf.int32)


def test_images_belong_to_their_labels(split):
    images, labels = take(train_on(split), 3 * STEPS)
    expected = split.images_at(positions(split, labels))
    np.testing.assert_array_equal(np.concatenate(images), expected)


def test_an_epoch_takes_no_image_twice(split):
    _, labels = take(train_on(split), 20 * STEPS)
    epochs = np.reshape(labels, [20, STEPS * BATCH_SIZE])
    assert all(len(set(epoch)) == STEPS * BATCH_SIZE for epoch in epochs)
    # The three images that are left over are others each time.
    assert set(epochs.ravel()) == set(split.labels)


def test_epochs_differ_in_their_order(split):
    _, labels = take(train_on(split), 5 * STEPS)
    assert len({tuple(epoch) for epoch in np.reshape(labels, [5, -1])}) == 5


def test_the_order_is_the_same_on_every_machine(in_memory_split):
    _, labels = take(train_on(in_memory_split.select([0, 1, 2, 3]), seed=1), 2)
    assert np.stack(labels).tolist() == [[3, 2, 0, 1], [3, 1, 0, 2]]


def test_the_order_is_even(in_memory_split):
    split = in_memory_split.select(range(3))
    dataset = batches.training_batches(split, batch_size=3, augmentation=PLAIN, seed=0)
    _, labels = take(dataset, 600)
    orders, counts = np.unique(np.stack(labels), axis=0, return_counts=True)
    assert len(orders) == 6
    np.testing.assert_allclose(counts, 100, atol=30)


@pytest.mark.parametrize("first_epoch", [0, 1, 3])
def test_a_later_start_gives_the_batches_of_an_uninterrupted_run(split, first_epoch):
    whole = take(train_on(split, augmentation=AUGMENTED), 6 * STEPS)
    rest = take(
        train_on(split, augmentation=AUGMENTED, first_epoch=first_epoch),
        (6 - first_epoch) * STEPS,
    )
    for expected, received in zip(whole, rest, strict=True):
        np.testing.assert_array_equal(np.stack(expected[first_epoch * STEPS :]), np.stack(received))


def test_batches_follow_the_seed(split):
    first, again, other = (
        take(train_on(split, augmentation=AUGMENTED, seed=seed), STEPS) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[1], other[1])


def test_memory_and_disk_give_the_same_batches(tmp_path, in_memory_split):
    np.save(tmp_path / "images.npy", make_images())
    block = np.load(tmp_path / "images.npy", mmap_mode="r")
    mapped = data.Split.from_arrays(block, np.arange(20) % 4).select(range(NUM_IMAGES))
    expected, received = (
        take(train_on(split, augmentation=AUGMENTED), 3 * STEPS)
        for split in (in_memory_split, mapped)
    )
    np.testing.assert_array_equal(expected[0], received[0])
    np.testing.assert_array_equal(expected[1], received[1])


def test_epoch_e_shows_view_e_of_every_image(split):
    images, labels = take(train_on(split, augmentation=AUGMENTED, seed=3), 3 * STEPS)
    for epoch in range(3):
        steps = slice(epoch * STEPS, (epoch + 1) * STEPS)
        indices = positions(split, labels[steps])
        view = AUGMENTED.draw(NUM_IMAGES, seed=3, view=epoch)
        expected = AUGMENTED.apply(
            tf.constant(split.images_at(indices)),
            *(tf.gather(column, indices) for column in view),
        )
        np.testing.assert_array_equal(np.concatenate(images[steps]), expected)


def test_extras_join_by_index_and_epoch(split):
    teacher_logits = np.random.RandomState(1).normal(size=[3, NUM_IMAGES, 5]).astype(np.float32)
    views = tf.constant(teacher_logits)

    def extras(indices, epoch, view):
        assert indices.dtype == epoch.dtype == view.dtype == tf.int64
        assert epoch.shape == view.shape == []
        return {"teacher_logits": tf.gather(views[epoch], indices)}

    dataset = train_on(split, extras=extras, first_epoch=1)
    for step, (features, labels) in enumerate(dataset.take(2 * STEPS).as_numpy_iterator()):
        expected = teacher_logits[1 + step // STEPS, positions(split, [labels])]
        np.testing.assert_array_equal(features["teacher_logits"], expected)
        np.testing.assert_array_equal(
            features["image"], split.images_at(positions(split, [labels]))
        )


def test_views_come_again_and_follow_a_seed_of_their_own(split):
    def extras(indices, epoch, view):
        return {"index": indices, "view": tf.repeat(view, tf.size(indices))}

    dataset = train_on(
        split, augmentation=AUGMENTED, seed=3, views=2, view_seed=5, first_epoch=1, extras=extras
    )
    orders = []
    for step, (features, _) in enumerate(dataset.take(4 * STEPS).as_numpy_iterator()):
        indices, view = features["index"], (1 + step // STEPS) % 2
        assert features["view"].tolist() == [view] * BATCH_SIZE
        drawn = AUGMENTED.draw(NUM_IMAGES, seed=5, view=view)
        expected = AUGMENTED.apply(
            tf.constant(split.images_at(indices)),
            *(tf.gather(column, indices) for column in drawn),
        )
        np.testing.assert_array_equal(features["image"], expected)
        orders.append(tuple(indices))
    # The order is that of the seed, and another in every epoch.
    _, labels = take(train_on(split, seed=3, first_epoch=1), 4 * STEPS)
    assert [tuple(positions(split, [batch])) for batch in labels] == orders
    assert len(set(orders)) == 4 * STEPS


def test_extras_of_an_evaluation_are_of_epoch_0(split):
    def extras(indices, epoch, view):
        assert indices.dtype == epoch.dtype == view.dtype == tf.int64
        return {"index": indices, "epoch": tf.repeat(epoch + view, tf.size(indices))}

    dataset = batches.evaluation_batches(split, batch_size=BATCH_SIZE, extras=extras)
    features = [features for features, _ in dataset.as_numpy_iterator()]
    indices = np.concatenate([feature["index"] for feature in features])
    np.testing.assert_array_equal(indices, np.arange(NUM_IMAGES))
    assert not np.concatenate([feature["epoch"] for feature in features]).any()


@pytest.mark.parametrize("batch_size", [1, 4, 11, 50])
def test_evaluation_takes_all_images_once_in_order(split, batch_size):
    dataset = batches.evaluation_batches(split, batch_size=batch_size)
    for _ in range(2):
        images, labels = take(dataset, None)
        assert [len(label) for label in labels[:-1]] == [batch_size] * (len(labels) - 1)
        np.testing.assert_array_equal(np.concatenate(labels), split.labels)
        np.testing.assert_array_equal(np.concatenate(images), split.images_at(range(NUM_IMAGES)))
    assert dataset.cardinality() == -(-NUM_IMAGES // batch_size)


def test_an_empty_split_gives_no_batch(split):
    assert list(batches.evaluation_batches(split.select([]), batch_size=4)) == []


def test_training_batches_are_endless(split):
    assert train_on(split).cardinality() == tf.data.INFINITE_CARDINALITY


def test_graphs_are_not_rewritten_which_would_copy_the_images(split):
    for dataset in (train_on(split), batches.evaluation_batches(split, batch_size=4)):
        assert dataset.options().experimental_optimization.apply_default_optimizations is False


def test_mapped_images_are_read_batch_by_batch(tmp_path, monkeypatch):
    np.save(tmp_path / "images.npy", make_images())
    block = np.load(tmp_path / "images.npy", mmap_mode="r")
    split = data.Split.from_arrays(block, np.zeros(20))
    read = []
    numpy_function = tf.numpy_function

    def counted(gather, inputs, dtype, **options):
        def gather_and_count(indices):
            read.append(len(indices))
            return gather(indices)

        return numpy_function(gather_and_count, inputs, dtype, **options)

    monkeypatch.setattr(tf, "numpy_function", counted)
    list(batches.evaluation_batches(split, batch_size=6))
    assert sorted(read) == [2, 6, 6, 6]


@pytest.mark.parametrize("batch_size", [1, 4, 11])
def test_steps_are_of_full_batches(split, batch_size):
    assert batches.steps_per_epoch(split, batch_size) == NUM_IMAGES // batch_size


@pytest.mark.parametrize("batch_size", [0, 12])
def test_a_batch_larger_than_the_split_is_refused(split, batch_size):
    calls = [
        lambda: batches.steps_per_epoch(split, batch_size),
        lambda: batches.training_batches(split, batch_size=batch_size, augmentation=PLAIN, seed=0),
    ]
    for call in calls:
        with pytest.raises(
            ValueError,
            match=r"^Invalid value for batch_size\. Expected 1 to 11, the number of training "
            rf"images\. Received: {batch_size}\.$",
        ):
            call()


@pytest.mark.parametrize("first_step", [1, STEPS, STEPS + 1])
def test_batches_begin_within_an_epoch(split, first_step):
    whole = take(train_on(split, augmentation=AUGMENTED), STEPS + first_step + 3)
    begun = train_on(split, augmentation=AUGMENTED, first_epoch=1, first_step=first_step)
    for expected, received in zip(whole, take(begun, 3), strict=True):
        np.testing.assert_array_equal(expected[STEPS + first_step :], received)


def test_examples_are_numbered_as_in_the_split():
    splits = data.load("synthetic")
    extras = data.with_examples(lambda indices, epoch, view: {"twice": 2 * indices})
    batches = data.evaluation_batches(splits.test, batch_size=16, extras=extras)
    for number, (features, _) in enumerate(batches):
        expected = np.arange(16 * number, 16 * (number + 1))
        np.testing.assert_array_equal(features["examples"], expected)
        np.testing.assert_array_equal(features["twice"], 2 * expected)


def test_shares_are_together_the_batch_and_nothing_else_is_read(in_memory_split):
    split, read = in_memory_split, []

    def extras(indices, epoch, view):
        read.append(indices.shape)
        return {}

    whole = take(train_on(split, augmentation=AUGMENTED), 3)
    shares = [
        take(train_on(split, augmentation=AUGMENTED, extras=extras, share=(part, 2)), 3)
        for part in range(2)
    ]
    for expected, *parts in zip(whole, *shares, strict=True):
        for batch, *rows in zip(expected, *parts, strict=True):
            np.testing.assert_array_equal(batch, np.concatenate(rows))
    assert set(read) == {(BATCH_SIZE // 2,)}


def test_shares_of_what_is_evaluated(in_memory_split):
    taken = [
        take(batches.evaluation_batches(in_memory_split, batch_size=6, share=(part, 3)), 9)[1]
        for part in range(3)
    ]
    assert [[len(labels) for labels in part] for part in taken] == [[2, 2], [2, 2], [2, 1]]
    for part, labels in enumerate(taken):
        np.testing.assert_array_equal(np.concatenate(labels), in_memory_split.labels[part::3])


def test_a_batch_that_cannot_be_shared_is_refused(split):
    with pytest.raises(
        ValueError,
        match=r"^Invalid value for batch_size\. Expected a multiple of 3, because so many hosts "
        r"share a batch\. Received: 4\.$",
    ):
        train_on(split, share=(0, 3))
