import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distillation.pieces import Pieces, ordered_nodes, run_with_losses
from tests.distillation import toys


def _in_pieces(model, size):
    nodes = ordered_nodes(model)
    groups = [nodes[start : start + size] for start in range(0, len(nodes), size)]
    seen = []

    def make(piece, group):
        seen.append((piece, group))
        return run_with_losses(piece)

    return Pieces(model, groups, make), seen


@pytest.mark.parametrize("size", [1, 3])
def test_pieces_of_any_size_give_what_the_model_gives(size):
    """Cut anywhere, two tensors may pass from one piece to the next."""
    model = toys.make_residual(1)
    images = toys.make_images(4)[0]
    run, seen = _in_pieces(model, size)
    outputs, losses = run(images, training=False)
    np.testing.assert_allclose(outputs, model(images), rtol=1e-5)
    assert float(losses) == 0
    assert [node for _, group in seen for node in group] == ordered_nodes(model)
    if size == 3:
        assert any(len(piece.inputs) == 2 for piece, _ in seen)


def test_losses_add_up_and_outputs_keep_their_structure():
    image = keras.Input([6])
    hidden = keras.layers.Dense(4, kernel_regularizer="l2", activity_regularizer="l2")(image)
    outputs = keras.layers.Dense(3, kernel_regularizer="l2")(hidden)
    model = keras.Model(image, {"hidden": hidden, "outputs": [outputs]})
    vectors, _ = toys.make_vectors(8)
    expected, regularization = run_with_losses(model)(vectors, training=True)
    found, sum_of_pieces = _in_pieces(model, 1)[0](vectors, training=True)
    assert float(regularization) > 0.01
    assert float(sum_of_pieces) == pytest.approx(float(regularization), rel=1e-5)
    np.testing.assert_allclose(found["hidden"], expected["hidden"], rtol=1e-5)
    np.testing.assert_allclose(found["outputs"][0], expected["outputs"][0], rtol=1e-5)


def test_the_regulariser_of_a_layer_in_several_pieces_counts_once():
    image = keras.Input([4])
    shared = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.5))
    x = image
    for _ in range(3):
        x = keras.layers.ReLU()(shared(x))
    model = keras.Model(image, x)
    vectors, _ = toys.make_vectors(3, inputs=4)
    run, _ = _in_pieces(model, 2)
    with tf.GradientTape() as tape:
        _, losses = run(vectors, training=True)
    expected = 0.5 * np.square(shared.kernel.numpy()).sum()
    assert float(losses) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(
        tape.gradient(losses, shared.kernel.value), shared.kernel.numpy(), rtol=1e-5
    )
