import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models

SETTINGS = {
    "image_shape": (8, 8, 3),
    "num_classes": 4,
    "depth": 10,
    "width": 1,
    "mean": (127.0,) * 3,
    "standard_deviation": (60.0,) * 3,
}


def make_network(seed=0, *, dropout=0.3, **settings):
    return models.get("wide_resnet", dropout=dropout, seed=seed, **{**SETTINGS, **settings})


def make_images(count=5):
    return np.random.default_rng(0).uniform(0, 255, (count, 8, 8, 3)).astype("float32")


def make_dropping(dropout):
    image = keras.Input((6,))
    scaled = keras.layers.BatchNormalization(momentum=0.5)(image)
    return keras.Model(image, dropout(scaled))


def test_active_dropout_draws_anew_and_moves_nothing_else():
    network = make_network()
    active, images = models.with_active_dropout(network, seed=7), make_images()
    before = [weight.copy() for weight in network.get_weights()]
    ask = tf.function(lambda image: active(image, training=False))
    first, second = ask(images), ask(images)
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(network(images), network(images))
    for weight, old in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_the_weights_are_shared_and_the_generators_are_not():
    network = make_network()
    active = models.with_active_dropout(network, seed=7)
    assert {id(v) for v in active.trainable_variables} == {
        id(v) for v in network.trainable_variables
    }
    states = models.active_random_states(active)
    assert len(states) == 3
    assert not {id(state) for state in states} & {id(v) for v in network.variables}
    assert models.active_random_states(network) == []
    assert models.active_random_states(None) == []


def test_masks_follow_the_seed_and_each_layer_has_its_own():
    network, images = make_network(), make_images()
    same, again, other = (models.with_active_dropout(network, seed=seed) for seed in (7, 7, 8))
    answers = [model(images, training=False) for model in (same, again, other)]
    np.testing.assert_array_equal(answers[0], answers[1])
    assert not np.allclose(answers[0], answers[2])
    states = [tuple(state.numpy()) for state in models.active_random_states(same)]
    assert len(set(states)) == len(states)


@pytest.mark.parametrize(
    "dropout",
    [
        keras.layers.Dropout(0.5),
        keras.layers.GaussianDropout(0.5),
        keras.layers.AlphaDropout(0.5),
    ],
)
def test_every_kind_of_dropout_is_active(dropout):
    model = make_dropping(dropout)
    active = models.with_active_dropout(model, seed=0)
    images = np.ones([8, 6], "float32")
    assert not np.allclose(active(images, training=False), model(images, training=False))


def test_half_of_what_is_dropped_by_half_is_zero_and_the_mean_stays():
    active = models.with_active_dropout(make_dropping(keras.layers.Dropout(0.5)), seed=0)
    answers = active(np.ones([4000, 6], "float32"), training=False).numpy()
    assert (answers == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert answers.mean() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("dropout", [keras.layers.Dropout(0.0), keras.layers.ReLU()])
def test_a_network_without_dropout_is_refused(dropout):
    with pytest.raises(
        ValueError,
        match=r"has no dropout\. Expected layers of dropout of a rate above 0, because they are "
        r"to be active\. Received: none\. Train a teacher with --teacher_dropout, or leave "
        r"--teacher_active_dropout out\.$",
    ):
        models.with_active_dropout(make_dropping(dropout), seed=0)


def test_dropout_inside_an_ensemble_is_active_too():
    mean = models.mean_of([make_network(1), make_network(2)])
    active = models.with_active_dropout(mean, seed=0)
    assert len(models.active_random_states(active)) == 6
    assert not np.allclose(
        active(make_images(), training=False), active(make_images(), training=False)
    )


def test_a_fingerprint_knows_active_dropout_and_its_seed():
    network = make_network()
    prints = [models.fingerprint(models.with_active_dropout(network, seed=s)) for s in (0, 0, 1)]
    assert prints[0] == prints[1]
    assert len({models.fingerprint(network), *prints}) == 3
