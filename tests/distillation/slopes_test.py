import numpy as np
import tensorflow as tf

from kd_keras.distillation import slopes


def _draw(*shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _norms(score, teacher, student, seed=0):
    return slopes.Slopes(seed).norms(score, tf.constant(teacher), tf.constant(student)).numpy()


def test_a_linear_score_has_the_slope_of_its_weights_everywhere():
    weights = _draw(3, seed=0)

    def score(logits):
        return tf.linalg.matvec(logits, weights)

    found = _norms(score, _draw(5, 3, seed=1), _draw(5, 3, seed=2))
    np.testing.assert_allclose(found, np.full(5, np.linalg.norm(weights)), rtol=1e-5)


def test_the_points_lie_between_the_two_and_are_drawn_anew():
    """The slope of |z|^2 / 2 is |z|, which tells where it was taken."""

    def score(logits):
        return 0.5 * tf.reduce_sum(tf.square(logits), axis=-1)

    teacher, student = np.zeros([2000, 1], np.float32), np.ones([2000, 1], np.float32)
    layer = slopes.Slopes(seed=4)
    first, second = (layer.norms(score, tf.constant(teacher), student).numpy() for _ in range(2))
    assert first.min() < 0.01
    assert 0.99 < first.max() <= 1.0
    assert abs(first.mean() - 0.5) < 0.03
    assert abs(first.var() - 1 / 12) < 0.01
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
    np.testing.assert_array_equal(first, _norms(score, teacher, student, seed=4))


def test_its_gradient_reaches_the_weights_and_is_finite_where_there_is_no_slope():
    weight = tf.Variable([[0.5], [2.0]])
    flat = tf.Variable(tf.zeros([2, 1]))
    teacher, student = tf.ones([4, 2]), tf.zeros([4, 2])
    for variable, expected in ((weight, weight.numpy() / np.linalg.norm(weight)), (flat, 0.0)):
        with tf.GradientTape() as tape:

            def score(logits, variable=variable):
                return tf.matmul(logits, variable)[:, 0]

            mean = tf.reduce_mean(slopes.Slopes(0).norms(score, teacher, student))
        np.testing.assert_allclose(tape.gradient(mean, variable), expected, rtol=1e-5, atol=1e-6)


def test_nothing_flows_to_the_logits_themselves():
    student = tf.Variable(tf.ones([3, 2]))
    with tf.GradientTape() as tape:
        norms = slopes.Slopes(0).norms(
            lambda logits: tf.reduce_sum(logits**2, -1), tf.zeros([3, 2]), student
        )
    assert tape.gradient(norms, student) is None
