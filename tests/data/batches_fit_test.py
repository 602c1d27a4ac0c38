"""Batches where they are used: in `Model.fit`, on one device and on two."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import data, training

STEPS = 2


@pytest.fixture(params=["in memory", "mapped"])
def split(request, tmp_path):
    random = np.random.RandomState(0)
    images = random.randint(0, 256, size=(11, 5, 6, 2)).astype(np.uint8)
    if request.param == "mapped":
        np.save(tmp_path / "images.npy", images)
        images = np.load(tmp_path / "images.npy", mmap_mode="r")
    return data.Split.from_arrays(images, np.arange(11) % 3)


def train_on(split):
    augmentation = data.Augmentation(crop_padding=2, padding="reflect", flip=True)
    return data.training_batches(split, batch_size=4, augmentation=augmentation, seed=0)


def test_a_strategy_divides_the_batch(split):
    dataset = train_on(split)
    strategy = training.make_strategy("2")
    distributed = strategy.experimental_distribute_dataset(dataset)
    pairs = zip(dataset.as_numpy_iterator(), distributed, strict=False)
    for (whole, whole_labels), (features, labels) in itertools.islice(pairs, 3):
        images = strategy.experimental_local_results(features["image"])
        assert [len(part) for part in images] == [2, 2]
        np.testing.assert_array_equal(np.concatenate(images), whole["image"])
        parts = strategy.experimental_local_results(labels)
        np.testing.assert_array_equal(np.concatenate(parts), whole_labels)


def make_classifier():
    image = keras.Input([5, 6, 2], name="image")
    logits = keras.layers.Dense(3)(keras.layers.Flatten()(image))
    return keras.Model({"image": image}, logits)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_model_can_be_fitted(split, replicas):
    strategy = training.make_strategy("2") if replicas == 2 else tf.distribute.get_strategy()
    with strategy.scope():
        model = make_classifier()
        optimizer = keras.optimizers.SGD(1e-4)
        optimizer.build(model.trainable_variables)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=optimizer, loss=loss)
    history = model.fit(
        train_on(split),
        steps_per_epoch=STEPS,
        epochs=2,
        shuffle=False,
        validation_data=data.evaluation_batches(split, batch_size=4),
        verbose=0,
    )
    assert np.isfinite(history.history["val_loss"]).all()
