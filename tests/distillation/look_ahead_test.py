import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import training
from kd_keras.distillation import look_ahead
from tests.distillation import toys


def test_before_the_first_update_it_is_the_network():
    network = toys.make_dense()
    vectors, _ = toys.make_vectors(4)
    ahead = look_ahead.LookAhead(network)
    np.testing.assert_allclose(ahead.logits(vectors), network(vectors), rtol=1e-6)


def test_it_makes_the_last_update_once_more():
    network, expected = toys.make_dense(0), toys.make_dense(0)
    ahead = look_ahead.LookAhead(network)
    ahead.remember()
    before = network.get_weights()
    moved = [w + 0.1 * np.cos(np.arange(w.size)).reshape(w.shape) for w in before]
    network.set_weights(moved)
    expected.set_weights([2 * now - then for now, then in zip(moved, before, strict=True)])
    vectors, _ = toys.make_vectors(4)
    np.testing.assert_allclose(ahead.logits(vectors), expected(vectors), rtol=1e-5)
    assert toys.largest_difference(network.get_weights(), moved) == pytest.approx(0, abs=1e-7)


def test_it_moves_no_statistics_and_draws_nothing():
    network = toys.make_classifier(dropout=0.5)
    ahead = look_ahead.LookAhead(network)
    images, _ = toys.make_images(8)
    before = toys.weights_of(network)
    ahead.logits(tf.cast(images, tf.float32))
    assert toys.largest_difference(before, toys.weights_of(network)) == 0


def _train(look_ahead):
    adversary = toys.make_adversary(look_ahead=look_ahead)
    distiller = toys.make_distiller(adversary=adversary, compiled=False)
    toys.compile_with_sgd(distiller, run_eagerly=True)
    for _ in range(3):
        distiller.train_on_batch(*toys.make_vectors(16))
    return toys.weights_of(distiller.student) + toys.weights_of(adversary), distiller


def test_the_discriminator_learns_from_it_and_the_student_from_itself():
    plain, _ = _train(False)
    ahead, distiller = _train(True)
    assert toys.largest_difference(plain, ahead) > 1e-5
    student = distiller.student.trainable_variables
    kept = [v.numpy() for v in distiller.look_ahead.before]
    assert toys.largest_difference([v.numpy() for v in student], kept) > 0
    assert float(distiller.look_ahead.begun) == 1


def test_every_replica_looks_as_far():
    strategy = training.make_strategy("2")
    with strategy.scope():
        network = toys.make_dense()
        ahead = look_ahead.LookAhead(network)
    vectors, _ = toys.make_vectors(4)
    strategy.run(ahead.remember)
    network.set_weights([2 * weight for weight in network.get_weights()])
    found = strategy.experimental_local_results(strategy.run(ahead.logits, (vectors,)))
    network.set_weights([1.5 * weight for weight in network.get_weights()])
    assert len(found) == 2
    for outputs in found:
        np.testing.assert_allclose(outputs, network(vectors), rtol=1e-5)


def test_it_is_saved_with_the_distiller(tmp_path):
    _, distiller = _train(True)
    distiller.save(tmp_path / "distiller.keras")
    loaded = keras.saving.load_model(tmp_path / "distiller.keras")
    assert loaded.adversary.look_ahead
    kept, restored = ([v.numpy() for v in each.look_ahead.before] for each in (distiller, loaded))
    assert toys.largest_difference(kept, restored) == 0


def test_a_run_that_goes_on_remembers_too():
    _, distiller = _train(True)
    kept = {id(variable) for variable in training.State(distiller).variables}
    ahead = distiller.look_ahead
    assert {id(variable) for variable in [*ahead.before, ahead.begun]} <= kept
