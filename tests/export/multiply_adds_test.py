import pytest
import tensorflow as tf

from kd_keras.export import multiply_adds
from kd_keras.export.interpreter import Operation, Tensor


def count(function, *shapes):
    specifications = [tf.TensorSpec(shape) for shape in shapes]
    graph = tf.function(function).get_concrete_function(*specifications).graph
    return multiply_adds.count_tensorflow(graph.get_operations())


@pytest.mark.parametrize(
    ("function", "shapes", "expected"),
    [
        (tf.matmul, [(2, 3), (3, 5)], 2 * 3 * 5),
        (lambda a, b: tf.matmul(a, b, transpose_a=True), [(3, 2), (3, 5)], 2 * 3 * 5),
        (lambda a, b: tf.matmul(a, b, transpose_b=True), [(2, 3), (5, 3)], 2 * 3 * 5),
        (tf.matmul, [(4, 2, 3), (4, 3, 5)], 4 * 2 * 3 * 5),
        (lambda a, b: tf.matmul(a, b, adjoint_a=True), [(4, 3, 2), (4, 3, 5)], 4 * 2 * 3 * 5),
        (lambda a, b: tf.einsum("bqd,bkd->bqk", a, b), [(4, 2, 3), (4, 5, 3)], 4 * 2 * 5 * 3),
        (
            lambda x, w: tf.nn.conv3d(x, w, [1] * 5, "SAME"),
            [(1, 4, 4, 4, 2), (3, 3, 3, 2, 5)],
            64 * 5 * 27 * 2,
        ),
        (lambda a, b: tf.nn.relu(a) * b + a, [(2, 3), (2, 3)], 0),
    ],
    ids=["matmul", "first", "second", "batch", "adjoint", "einsum", "conv3d", "elementwise"],
)
def test_products_are_counted_by_their_formula(function, shapes, expected):
    assert count(function, *shapes) == (expected, ())


def test_what_is_not_known_is_named_beside_what_is():
    def function(a, b):
        return tf.linalg.det(tf.matmul(a, b)) + tf.linalg.trace(tf.linalg.inv(a))

    total, uncounted = count(function, (2, 2), (2, 2))
    assert total == 8
    assert {"MatrixDeterminant", "MatrixInverse"} <= set(uncounted)


def test_a_product_of_unknown_shape_is_named():
    assert count(tf.matmul, (None, 3), (3, 5)) == (0, ("MatMul",))


def test_an_einsum_over_implicit_axes_is_named():
    assert count(lambda a, b: tf.einsum("...d,de->...e", a, b), (2, 3), (3, 5))[1] == ("Einsum",)


def operation(name, *shapes, output):
    inputs = tuple(Tensor(index, shape, True) for index, shape in enumerate(shapes))
    return Operation(name, inputs, (Tensor(len(shapes), output, False),))


@pytest.mark.parametrize(
    ("first", "second", "product", "inner"),
    [
        ((4, 2, 3), (4, 3, 5), (4, 2, 5), 3),
        ((4, 3, 2), (4, 3, 5), (4, 2, 5), 3),  # the first transposed
        ((4, 2, 3), (4, 5, 3), (4, 2, 5), 3),  # the second transposed
        ((1, 2, 3), (4, 3, 5), (4, 2, 5), 3),  # the first for the whole batch
        ((4, 3, 3), (4, 3, 5), (4, 3, 5), 3),
    ],
)
def test_a_product_of_a_batch_is_counted_whichever_side_is_summed_over(
    first, second, product, inner
):
    operations = [operation("BATCH_MATMUL", first, second, output=product)]
    expected = product[0] * product[1] * product[2] * inner
    assert multiply_adds.count_tflite(operations) == (expected, ())


def test_operations_of_tflite_are_counted_by_their_formula():
    operations = [
        operation("CONV_2D", (1, 8, 8, 3), (4, 3, 3, 3), output=(1, 8, 8, 4)),
        operation("DEPTHWISE_CONV_2D", (1, 8, 8, 4), (1, 3, 3, 4), output=(1, 8, 8, 4)),
        operation("FULLY_CONNECTED", (1, 4), (5, 4), output=(1, 5)),
        operation("TRANSPOSE_CONV", (4,), (6, 3, 3, 4), (1, 8, 8, 4), output=(1, 16, 16, 6)),
        operation("RELU", (1, 5), output=(1, 5)),
    ]
    expected = 64 * 4 * 27 + 64 * 4 * 9 + 20 + 64 * 4 * 9 * 6
    assert multiply_adds.count_tflite(operations) == (expected, ())


def test_an_unknown_operation_of_tflite_is_named():
    operations = [operation("UNIDIRECTIONAL_SEQUENCE_LSTM", (1, 8, 4), output=(1, 8, 4))]
    expected = (0, ("UNIDIRECTIONAL_SEQUENCE_LSTM",))
    assert multiply_adds.count_tflite(operations) == expected
