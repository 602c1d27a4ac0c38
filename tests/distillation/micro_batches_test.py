import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses, training
from kd_keras.distillation import micro_batches
from tests.distillation import toys

STEPS = 3
BATCH = 32


@functools.cache
def _train(parts, replicas=1, **arguments):
    """What three steps lead to: weights of student and discriminator, the figures, the updates.

    Terms that relate examples, a discriminator with batch normalisation and the student's own
    losses are among what is learnt from; the student has no batch normalisation.
    """
    with training.make_strategy(str(replicas)).scope():
        student = toys.make_dense(1, kernel_regularizer="l2", activity_regularizer="l2")
        related = losses.get("similarity_preserving", taps=("tap",))
        distiller = toys.make_distiller(
            student,
            adversary=toys.make_adversary(),
            matching=[(losses.LogitL1(), 1.0), (related, 10.0)],
            compiled=False,
        )
        toys.compile_with_sgd(distiller, micro_batches=parts, **arguments)
    data = toys.batches(*toys.make_vectors(STEPS * BATCH), size=BATCH)
    history = distiller.fit(data, epochs=1, shuffle=False, verbose=0)
    logs = {name: values[-1] for name, values in history.history.items()}
    updates = [int(distiller.optimizer.iterations.numpy())]
    updates.append(int(distiller.discriminator_optimizer.iterations.numpy()))
    return toys.weights_of(student) + toys.weights_of(distiller.adversary), logs, updates


def _assert_same(first, second):
    assert toys.largest_difference(first[0], second[0]) < 1e-5
    assert first[1] == pytest.approx(second[1], rel=1e-4, abs=1e-5)
    assert first[2] == second[2] == [STEPS, STEPS]


# Parts of equal size and of others.
@pytest.mark.parametrize("parts", [4, pytest.param(5, marks=pytest.mark.slow)])
def test_parts_come_to_the_weights_and_figures_of_the_whole_batch(parts):
    _assert_same(_train(1), _train(parts))


def test_training_moved_the_weights():
    untrained = toys.weights_of(toys.make_dense(1))
    assert toys.largest_difference(untrained, _train(1)[0][: len(untrained)]) > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("replicas", "arguments"),
    [(1, {"run_eagerly": True}), (1, {"xla": True}), (1, {"clip_norm": 0.1}), (2, {})],
)
def test_parts_in_every_kind_of_step(replicas, arguments):
    _assert_same(_train(1, replicas, **arguments), _train(4, replicas, **arguments))


def _follow(network, parts, images):
    """Run a network to and fro; what each part's passes gave, and the gradients."""
    passes = []

    def forward(image, training):
        outputs = {"logits": network(image, training=training)}
        passes.append(outputs["logits"].numpy())
        return outputs, tf.zeros([])

    state = network.non_trainable_variables
    outputs, run_backwards = micro_batches.run_forwards_in_parts(
        forward, images, parts, state=state
    )
    upstream = {"logits": tf.ones_like(outputs["logits"])}
    gradients, _ = run_backwards(upstream, keras.optimizers.SGD(), network.trainable_variables)
    return passes, outputs["logits"].numpy(), gradients


def test_the_way_back_draws_what_the_way_there_drew():
    image = keras.Input([6])
    x = keras.layers.Dropout(0.5, seed=0)(image)
    network = keras.Model(image, keras.layers.Dense(2, use_bias=False)(x))
    passes, outputs, gradients = _follow(network, 2, tf.ones([4, 6]))
    assert len(passes) == 4
    np.testing.assert_array_equal(np.concatenate(passes[:2]), outputs)
    np.testing.assert_array_equal(np.concatenate(passes[2:]), outputs)
    assert np.abs(passes[0] - passes[1]).max() > 0
    assert gradients[0].shape == (6, 2)


def test_statistics_move_once_for_each_part():
    image = keras.Input([1])
    layer = keras.layers.BatchNormalization(momentum=0.5, epsilon=0.0)
    network = keras.Model(image, layer(image))
    _follow(network, 2, tf.constant([[1.0], [3.0], [5.0], [7.0]]))
    # Means 2 and 6 of the parts: 0 -> 1 -> 3.5.
    assert float(layer.moving_mean[0]) == pytest.approx(3.5)


def test_outputs_without_gradient_are_left_out():
    weight = tf.Variable(2.0)

    def forward(image, training):
        return {"logits": weight * image, "unused": image}, tf.zeros([])

    _, run_backwards = micro_batches.run_forwards_in_parts(forward, tf.ones([4]), 2, state=[])
    upstream = {"logits": tf.constant([1.0, 2.0, 3.0, 4.0]), "unused": None}
    gradients, _ = run_backwards(upstream, keras.optimizers.SGD(), [weight, tf.Variable(0.0)])
    assert float(gradients[0]) == 10.0
    assert gradients[1] is None


def test_a_batch_of_unknown_size_is_cut():
    run = tf.function(
        lambda image: micro_batches.run_in_parts(lambda part: part + tf.shape(part)[0], image, 2),
        input_signature=[tf.TensorSpec([None], tf.int32)],
    )
    assert run(tf.zeros([5], tf.int32)).numpy().tolist() == [2, 2, 3, 3, 3]


def test_more_parts_than_images_are_refused():
    with pytest.raises(ValueError, match=r"Cannot cut a batch into 3 parts\. .* Received: 2\."):
        micro_batches.cut(tf.zeros([2, 1]), 3)


def test_less_than_one_part_is_refused():
    distiller = toys.make_distiller(compiled=False)
    with pytest.raises(ValueError, match=r"Invalid value for micro_batches\. Expected 1 or more"):
        toys.compile_with_sgd(distiller, micro_batches=0)
