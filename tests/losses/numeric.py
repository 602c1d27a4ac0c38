"""Inputs for any loss of the table, and the comparison of a loss with its formula in NumPy."""

import numpy as np
import tensorflow as tf

BATCH = 6
CLASSES = 5
LABELS = np.array([0, 1, 2, 0, 4, 1], np.int32)

# Height, width, channels of the teacher's and the student's taps, or their features.
_SHAPES = {
    "stem": ((4, 4, 2), (4, 4, 2)),
    "group1": ((4, 4, 4), (4, 4, 3)),
    "group2": ((3, 3, 3), (2, 2, 2)),
    "group3": ((2, 2, 5), (2, 2, 4)),
    "pooled": ((5,), (4,)),
}


def make_inputs(loss, *, scale=3.0, dtype="float32", seed=0):
    """What a loss reads of the two networks, and the labels or None; its parts are made."""
    generator = np.random.default_rng(seed)

    def draw(*shape):
        return tf.cast(generator.normal(scale=scale, size=(BATCH, *shape)), dtype)

    labels = tf.constant(LABELS) if loss.needs_labels else None
    if loss.needs_examples:
        loss.set_examples([*LABELS, 3])
    if not loss.taps:
        return draw(CLASSES), draw(CLASSES), labels
    sides = [{tap: draw(*_SHAPES[tap][side]) for tap in loss.taps} for side in (0, 1)]
    connect(loss, *sides)
    return *sides, labels


def further(loss):
    """What else a loss reads, by name."""
    return {"examples": tf.constant([4, 0, 6, 2, 1, 3])} if loss.needs_examples else {}


def connect(loss, teacher, student):
    """Make the parts of a loss on taps for these tensors."""
    shapes = [
        {"logits": [None, CLASSES], **{tap: [None, *x.shape[1:]] for tap, x in side.items()}}
        for side in (teacher, student)
    ]
    loss.connect(*shapes)


def value_and_gradient(loss, teacher, student, labels=None, weights=None, **scheduled):
    """A loss per example, and the gradient of its weighted sum on the student, float32 arrays."""
    teacher = tf.nest.map_structure(_as_float32, teacher)
    student = tf.nest.map_structure(_as_float32, student)
    with tf.GradientTape() as tape:
        tape.watch(student)
        value = loss.per_example(teacher, student, labels, **scheduled)
        total = tf.reduce_sum(value if weights is None else value * _as_float32(weights))
    gradient = tape.gradient(total, student, unconnected_gradients="zero")
    assert (value.dtype, value.shape.rank) == (tf.float32, 1)
    return value.numpy(), tf.nest.map_structure(lambda tensor: tensor.numpy(), gradient)


def _as_float32(array):
    return tf.constant(np.asarray(array, np.float32))


def check(loss, formula, teacher, student, labels=None, *, rtol=2e-4, atol=2e-5):
    """Compare a loss with a formula, in value and in gradient.

    The gradient is that of a weighted sum, so that one example's share cannot pass for another's;
    the formula's is taken by central differences in float64.

    Args:
        loss: The loss, its parts made.
        formula: From (teacher, student, labels), float64 arrays as the loss reads them, to one
            value per example.
        teacher: Array, or dictionary of arrays.
        student: Likewise.
        labels: Class numbers, or None.
        rtol: Relative to the largest gradient.
        atol: Absolute.
    """
    weights = np.random.default_rng(9).uniform(0.5, 1.5, len(tf.nest.flatten(student)[0]))
    value, gradient = value_and_gradient(loss, teacher, student, labels, weights)
    teacher, student = (
        tf.nest.map_structure(lambda x: np.asarray(x, np.float32).astype(np.float64), side)
        for side in (teacher, student)
    )
    expected = formula(teacher, student, labels)
    assert expected.shape == value.shape
    np.testing.assert_allclose(value, expected, rtol=rtol, atol=atol)
    differences = _central_differences(lambda: weights @ formula(teacher, student, labels), student)
    for found, wanted in zip(tf.nest.flatten(gradient), tf.nest.flatten(differences), strict=True):
        largest = np.abs(wanted).max()
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol + rtol * largest)
    assert max(np.abs(part).max() for part in tf.nest.flatten(differences)) > 1e-4


def _central_differences(function, point, step=1e-6):
    def of(array):
        gradient = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            before = array[index]
            array[index] = before + step
            above = function()
            array[index] = before - step
            gradient[index] = (above - function()) / (2 * step)
            array[index] = before
        return gradient

    return tf.nest.map_structure(of, point)
