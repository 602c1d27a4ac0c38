import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import training
from kd_keras.distillation.forward import make_forward, synchronize_batch_normalization
from kd_keras.distillation.recomputing import make_recomputed
from tests.distillation import toys


def _make_network(dropout=0.5):
    """Two residual blocks with all that a second run must not do a second time."""

    def block(x, seed):
        branch = keras.layers.BatchNormalization(momentum=0.5)(x)
        branch = keras.layers.ReLU()(branch)
        branch = keras.layers.Dropout(dropout, seed=seed)(branch)
        initializer = keras.initializers.GlorotUniform(seed)
        branch = keras.layers.Conv2D(
            3, 3, padding="same", kernel_initializer=initializer, kernel_regularizer="l2"
        )(branch)
        return keras.layers.Add(name=f"block{seed}")([x, branch])

    image = keras.Input([4, 4, 3], name="image")
    x = block(block(image, 1), 2)
    x = keras.layers.GlobalAveragePooling2D()(x)
    initializer = keras.initializers.GlorotUniform(5)
    return keras.Model(image, keras.layers.Dense(4, kernel_initializer=initializer)(x))


def _train_once(*, compiled=True, training=True, network=_make_network, **choices):
    """Outputs, losses, gradients and the state afterwards."""
    model = network()
    forward = make_forward(model, **choices)
    images = toys.make_images(8, shape=model.input_shape[1:])[0].astype("float32") / 64

    def step():
        with tf.GradientTape() as tape:
            logits, losses = forward(images, training=training)
            objective = tf.reduce_sum(tf.square(logits)) + losses
        return logits, losses, tape.gradient(objective, model.trainable_variables)

    logits, losses, gradients = (tf.function(step) if compiled else step)()
    state = [variable.numpy() for variable in model.non_trainable_variables]
    return [logits.numpy(), losses.numpy(), *(part.numpy() for part in gradients)], state


def _assert_same(first, second, tolerance=1e-5):
    for expected, found in zip(first, second, strict=True):
        for one, other in zip(expected, found, strict=True):
            scale = max(1.0, float(np.abs(one).max(initial=0.0)))
            np.testing.assert_allclose(one, other, atol=tolerance * scale)


def _count_runs(monkeypatch):
    calls = []
    original = keras.layers.Conv2D.call

    def call(layer, inputs):
        calls.append(layer.name)
        return original(layer, inputs)

    monkeypatch.setattr(keras.layers.Conv2D, "call", call)
    return calls


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_and_state_are_those_without_it(compiled):
    """Dropout draws once, statistics move once and every regulariser counts once."""
    expected = _train_once(compiled=compiled)
    _assert_same(expected, _train_once(compiled=compiled, checkpoint_gradients=True))


def test_all_but_the_last_piece_is_computed_again(monkeypatch):
    calls = _count_runs(monkeypatch)
    model = _make_network()
    run = make_recomputed(model)
    calls.clear()  # those of the pieces in the making
    with tf.GradientTape() as tape:
        logits, _ = run(tf.ones([2, 4, 4, 3]), training=True)
    assert len(calls) == 2
    tape.gradient(logits, model.trainable_variables)
    assert len(calls) == 4


def test_nothing_moves_where_it_is_not_trained():
    expected = _train_once(training=False)
    found = _train_once(training=False, checkpoint_gradients=True)
    _assert_same(expected, found)
    assert all(not np.any(value) or np.all(value == 1) for value in found[1][:2])


@pytest.mark.slow
def test_frozen_layers_stay_as_they_are():
    def network():
        model = _make_network()
        model.layers[1].trainable = False
        return model

    expected = _train_once(network=network)
    _assert_same(expected, _train_once(network=network, checkpoint_gradients=True))


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_wide_residual_network(policy):
    keras.config.set_dtype_policy(policy)

    def network():
        return toys.make_classifier(dropout=0.3)

    tolerance = 1e-5 if policy == "float32" else 2e-2
    expected = _train_once(network=network)
    _assert_same(expected, _train_once(network=network, checkpoint_gradients=True), tolerance)


@pytest.mark.slow
def test_with_xla():
    def network():
        return toys.make_residual(1, shape=(4, 4, 3))

    expected = _train_once(network=network)
    found = _train_once(network=network, checkpoint_gradients=True, xla=True)
    _assert_same(expected, found, tolerance=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("micro_batches", [1, 2])
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_distiller_learns_the_same(replicas, micro_batches):
    weights = []
    for checkpoint_gradients in (False, True):
        with training.make_strategy(str(replicas)).scope():
            student = toys.make_residual(1)
            distiller = toys.make_distiller(
                student, toys.make_residual(2), adversary=toys.make_adversary(), compiled=False
            )
            toys.compile_with_sgd(
                distiller,
                checkpoint_gradients=checkpoint_gradients,
                micro_batches=micro_batches,
            )
        distiller.fit(toys.batches(*toys.make_images()), epochs=1, shuffle=False, verbose=0)
        weights.append(toys.weights_of(student))
    assert toys.largest_difference(*weights) < 2e-5


def test_what_cannot_be_cut_is_refused():
    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(TypeError, match=r"needs a functional model\. Received: Subclassed\."):
        make_forward(Subclassed(), checkpoint_gradients=True)

    image = keras.Input([6])
    whole = keras.layers.Add()([image, keras.layers.Dense(6)(image)])
    model = keras.Model(image, whole, name="one_block")
    with pytest.raises(ValueError, match=r"Received: one_block, which has none among its 2 layers"):
        make_forward(model, checkpoint_gradients=True)


def test_what_is_cut_between_replicas_is_refused():
    model = toys.make_residual(1)
    synchronize_batch_normalization(model)
    with pytest.raises(ValueError, match=r"does not go with XLA on several replicas"):
        make_forward(model, xla=True, checkpoint_gradients=True)
