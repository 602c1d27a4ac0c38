import numpy as np
import tensorflow as tf

from kd_keras.losses import relations


def _gradient(function, point):
    point = tf.constant(point, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(point)
        value = function(point)
    return tape.gradient(value, point).numpy()


def test_root_and_its_gradient():
    np.testing.assert_allclose(relations.root(tf.constant([0.0, 4.0])), [0.0, 2.0])
    np.testing.assert_allclose(_gradient(relations.root, [0.0, 4.0]), [0.0, 0.25])


def test_unit_vectors_and_their_gradient_at_zero():
    vectors = np.array([[3.0, 4.0], [0.0, 0.0], [1e-12, 0.0], [1e12, 1e12]])
    half = 0.5**0.5
    expected = [[0.6, 0.8], [0.0, 0.0], [1.0, 0.0], [half, half]]
    np.testing.assert_allclose(relations.unit(tf.constant(vectors, tf.float32)), expected, 1e-6)
    assert np.isfinite(_gradient(relations.unit, vectors)).all()
    np.testing.assert_allclose(
        relations.unit(tf.constant(vectors[:1].T, tf.float32), 0), [[0.6], [0.8]]
    )


def test_distances():
    vectors = np.random.default_rng(0).normal(size=(4, 3))
    tensor = tf.constant(vectors, tf.float32)
    expected = np.array([[b - a for b in vectors] for a in vectors])
    np.testing.assert_allclose(relations.differences(tensor), expected, atol=1e-6)
    squared = (expected**2).sum(axis=-1)
    np.testing.assert_allclose(relations.squared_distances(tensor), squared, rtol=1e-5)
    np.testing.assert_allclose(relations.distances(tensor), np.sqrt(squared), rtol=1e-5)
    assert np.isfinite(_gradient(relations.distances, vectors)).all()


def test_distances_by_products_have_the_values_and_gradients_of_those_by_differences():
    vectors = 100.0 + np.random.default_rng(0).normal(size=(5, 300))
    weights = tf.constant(np.random.default_rng(1).normal(size=(5, 5)), tf.float32)
    by_differences, by_products = (
        lambda x, of=of: tf.reduce_sum(weights * of(x))
        for of in (relations.squared_distances, relations.squared_distances_by_products)
    )
    np.testing.assert_allclose(
        relations.squared_distances_by_products(tf.constant(vectors, tf.float32)),
        ((vectors[:, None] - vectors[None]) ** 2).sum(axis=-1),
        rtol=1e-4,
        atol=1e-2,
    )
    np.testing.assert_allclose(
        _gradient(by_products, vectors), _gradient(by_differences, vectors), rtol=1e-3, atol=1e-3
    )


def test_other_examples_and_huber():
    np.testing.assert_array_equal(
        relations.other_examples(tf.zeros([3, 2])), ~np.eye(3, dtype=bool)
    )
    points = [-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0]
    np.testing.assert_allclose(
        relations.huber(tf.constant(points)), [2.5, 0.5, 0.125, 0.0, 0.125, 0.5, 2.5]
    )
    np.testing.assert_allclose(
        _gradient(relations.huber, points), [-1.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0]
    )
