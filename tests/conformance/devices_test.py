"""Promise: one device or two, XLA or not, the same weights after the same steps.

The two devices are two logical processors. The networks have batch normalisation, which is then
synchronised; dropout is off, because each replica draws its own masks.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses, training
from kd_keras.losses import games
from tests.distillation import toys

STEPS = 3
BATCH = 16


def _images():
    images, labels = toys.make_images(count=STEPS * BATCH)
    weights = np.linspace(0.5, 1.5, len(labels)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((images, labels, weights))
    return data.batch(BATCH, drop_remainder=True)


@functools.cache
def _weights_after(replicas, xla, game="minimax", batch_statistics="separate", clip_norm=None):
    strategy = training.make_strategy(str(replicas))
    with strategy.scope():
        student = toys.make_residual(1)
        teacher = toys.make_residual(2)
        adversary = toys.make_adversary(game, depth=3, batch_statistics=batch_statistics)
        distiller = toys.make_distiller(
            student,
            teacher,
            adversary=adversary,
            matching=[(losses.LogitL1(), 1.0), (losses.SoftTarget(), 0.5)],
            compiled=False,
        )
        distiller.compile(
            training.CoupledSGD(0.05, momentum=0.9, nesterov=True, coupled_weight_decay=1e-2),
            training.CoupledSGD(0.01, momentum=0.9, coupled_weight_decay=1e-2),
            xla=xla,
            clip_norm=clip_norm,
        )
    data = _images()
    history = distiller.fit(data, epochs=1, verbose=0, shuffle=False, validation_data=data)
    logs = {name: values[-1] for name, values in history.history.items()}
    return toys.weights_of(student) + toys.weights_of(adversary), logs


def _assert_same(first, second, tolerance=2e-5):
    assert toys.largest_difference(first[0], second[0]) < tolerance
    assert first[1].keys() == second[1].keys()
    for name, value in first[1].items():
        assert second[1][name] == pytest.approx(value, rel=1e-3, abs=1e-4), name


@pytest.mark.parametrize(
    ("replicas", "xla"),
    [
        pytest.param(1, True, marks=pytest.mark.slow),
        pytest.param(2, False, marks=pytest.mark.slow),
        (2, True),
    ],
)
def test_devices_and_xla_leave_the_result_alone(replicas, xla):
    _assert_same(_weights_after(1, False), _weights_after(replicas, xla))


def test_training_moved_the_weights():
    untrained = toys.weights_of(toys.make_residual(1))
    trained, _ = _weights_after(1, False)
    assert toys.largest_difference(untrained, trained[: len(untrained)]) > 1e-2


@pytest.mark.slow
def test_joint_statistics_of_the_discriminator():
    _assert_same(
        _weights_after(1, False, batch_statistics="joint"),
        _weights_after(2, True, batch_statistics="joint"),
    )


@pytest.mark.slow
def test_the_norm_is_clipped_after_the_sum_over_the_replicas():
    clipped = _weights_after(1, False, clip_norm=0.5)
    assert toys.largest_difference(clipped[0], _weights_after(1, False)[0]) > 1e-3
    _assert_same(clipped, _weights_after(2, False, clip_norm=0.5))


# Its points are drawn by each replica for its own part of the batch.
_DRAWS = "wasserstein_penalty"


@pytest.mark.slow
@pytest.mark.parametrize("game", sorted({*games.names()} - {_DRAWS}))
def test_every_game(game):
    _assert_same(_weights_after(1, False, game), _weights_after(2, False, game))


@pytest.mark.slow
@pytest.mark.parametrize("xla", [False, True])
def test_a_game_that_draws_is_the_same_where_the_draws_are(xla, monkeypatch):
    def draw_middle(shape, seed):
        return tf.fill(shape, 0.5)

    assert _DRAWS in games.names()
    monkeypatch.setattr("kd_keras.distillation.slopes.draw_uniform", draw_middle)
    train = _weights_after.__wrapped__  # others draw
    _assert_same(train(1, False, _DRAWS), train(2, xla, _DRAWS))


@pytest.mark.slow
def test_weights_are_clipped_on_every_replica():
    strategy = training.make_strategy("2")
    with strategy.scope():
        adversary = toys.make_adversary(games.get("wasserstein", weight_clip=0.02))
        distiller = toys.make_distiller(adversary=adversary)
    distiller.fit(toys.batches(*toys.make_vectors()), epochs=1, verbose=0, shuffle=False)
    for layer in adversary.discriminator.layers:
        for variable in layer.trainable_variables:
            copies = strategy.experimental_local_results(variable.value)
            assert len(copies) == 2
            limit = 0.02 if isinstance(layer, keras.layers.Dense) else 2.0
            assert all(np.abs(copy.numpy()).max() <= limit + 1e-7 for copy in copies)


@pytest.mark.slow
def test_an_uneven_last_batch_and_validation_on_two_replicas():
    strategy = training.make_strategy("2")
    with strategy.scope():
        distiller = toys.make_distiller()
    vectors, labels = toys.make_vectors(21)
    data = tf.data.Dataset.from_tensor_slices((vectors, labels)).batch(16)
    distiller.fit(data, epochs=1, verbose=0, validation_data=data, shuffle=False)
    logits = distiller.student(vectors).numpy()
    accuracy = float((logits.argmax(-1) == labels).mean())
    evaluated = distiller.evaluate(data, verbose=0, return_dict=True)
    assert evaluated["accuracy"] == pytest.approx(accuracy)


def test_two_replicas_do_not_read_the_input_twice():
    steps, read = 12, []
    strategy = training.make_strategy("2")
    with strategy.scope():
        distiller = toys.make_distiller(matching=())
    vectors, labels = toys.make_vectors(4 * steps)

    def note(batch):
        read.append(len(batch))
        return batch

    def through_python(vectors, labels):
        noted = tf.numpy_function(note, [vectors], tf.float32)
        return tf.ensure_shape(noted, [4, 6]), labels

    data = tf.data.Dataset.from_tensor_slices((vectors, labels)).batch(4, drop_remainder=True)
    distiller.fit(data.map(through_python), epochs=1, verbose=0, shuffle=False)
    # Keras looks at one batch before it begins, and some wait to be used then.
    assert steps <= len(read) <= steps + 6
    assert set(read) == {4}
