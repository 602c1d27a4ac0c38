import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distillation.updates import apply_gradients, backpropagate, gradient_shares
from tests.distillation import toys


def test_gradients_of_outputs_and_of_the_networks_own_losses_add_up():
    model = toys.make_dense(1, kernel_regularizer="l2")
    vectors, _ = toys.make_vectors(4)
    upstream = np.random.default_rng(0).normal(size=(4, toys.CLASSES)).astype("float32")
    with tf.GradientTape(persistent=True) as tape:
        outputs = {"logits": model(vectors), "unused": tf.ones([4])}
        own = tf.add_n(model.losses)
        whole = tf.reduce_sum(outputs["logits"] * upstream) + own
    expected = tape.gradient(whole, model.trainable_variables)
    got = backpropagate(
        tape,
        outputs,
        {"logits": tf.constant(upstream), "unused": None},
        own,
        optimizer=keras.optimizers.SGD(),
        variables=model.trainable_variables,
    )
    assert len(got) == 4
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("limit", "expected"), [(None, 5.0), (10.0, 5.0), (1.0, 1.0)])
def test_the_norm_of_the_whole_gradient_is_limited(limit, expected):
    variables = [keras.Variable([0.0]), keras.Variable([0.0])]
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build(variables)
    apply_gradients(optimizer, [tf.constant([3.0]), tf.constant([4.0])], variables, limit)
    moved = np.array([variable.numpy()[0] for variable in variables])
    assert np.linalg.norm(moved) == pytest.approx(expected)
    np.testing.assert_allclose(moved / moved[0], [1, 4 / 3], rtol=1e-6)


def test_shares_are_those_of_the_norms_on_the_logits():
    logits = tf.constant([[1.0, 2.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        contributions = {
            "strong": tf.reduce_sum(3.0 * logits),
            "weak": tf.reduce_sum(1.0 * logits),
            "constant": tf.constant(7.0),
        }
    shares = gradient_shares(tape, contributions, logits)
    assert {name: float(value) for name, value in shares.items()} == pytest.approx(
        {
            "gradient_share_strong": 0.75,
            "gradient_share_weak": 0.25,
            "gradient_share_constant": 0.0,
        }
    )


def test_no_gradient_at_all_shares_nothing():
    logits = tf.constant([[1.0, 2.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        value = tf.reduce_sum(0.0 * logits)
    assert float(gradient_shares(tape, {"a": value}, logits)["gradient_share_a"]) == 0.0


def test_a_variable_without_a_gradient_stays_where_it_is():
    variables = [keras.Variable([0.0]), keras.Variable([0.0])]
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build(variables)
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        apply_gradients(optimizer, [None, tf.constant([4.0])], variables, 1.0)
    assert [variable.numpy()[0] for variable in variables] == [0.0, pytest.approx(-1.0)]
