import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models
from kd_keras.distillation.forward import make_forward, synchronize_batch_normalization
from tests.distillation import toys


@pytest.mark.parametrize("synchronized", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_compiled_forms_give_what_the_model_gives(synchronized, training):
    """Synchronised batch normalisation makes the compiled form run in pieces."""
    images = toys.make_images(8)[0].astype("float32")
    outputs, gradients, statistics = [], [], []
    for xla in (False, True):
        model = toys.make_residual(1)
        if synchronized:
            synchronize_batch_normalization(model)
        forward = make_forward(model, xla=xla)
        with tf.GradientTape() as tape:
            logits, _ = forward(images, training=training)
            loss = tf.reduce_sum(tf.square(logits))
        outputs.append(logits.numpy())
        gradients.append([g.numpy() for g in tape.gradient(loss, model.trainable_variables)])
        statistics.append([v.numpy() for v in model.non_trainable_variables])
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)
    for plain, compiled in zip(*gradients, strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-3, atol=1e-4)
    assert toys.largest_difference(*statistics) < 1e-4


def test_a_network_that_is_never_trained_is_not_cut():
    members = [toys.make_residual(seed) for seed in (1, 2)]
    for member in members:
        synchronize_batch_normalization(member)
    mean = models.mean_of(members)  # whose batch normalisation lies inside models
    with pytest.raises(ValueError, match="needs batch normalisation at the top level"):
        make_forward(mean, xla=True)
    images, _ = toys.make_images(4)
    run = make_forward(mean, xla=True, trains=False)
    outputs, _ = run(tf.cast(images, tf.float32), training=False)
    np.testing.assert_allclose(outputs, mean(images), rtol=1e-4, atol=1e-5)


def test_pieces_count_every_regulariser_once():
    image = keras.Input([6])
    x = keras.layers.Dense(4, kernel_regularizer="l2", activity_regularizer="l2")(image)
    x = keras.layers.BatchNormalization(gamma_regularizer="l2", synchronized=True)(x)
    model = keras.Model(image, keras.layers.Dense(3, kernel_regularizer="l2")(x))
    vectors, _ = toys.make_vectors(8)
    _, plain = make_forward(model)(vectors, training=False)
    _, pieces = make_forward(model, xla=True)(vectors, training=False)
    assert float(plain) > 0.01
    assert float(pieces) == pytest.approx(float(plain), rel=1e-5)


def test_pieces_keep_the_structure_of_several_outputs():
    model = toys.make_residual(1)
    synchronize_batch_normalization(model)
    tapped = keras.Model(
        model.inputs, {"logits": model.output, "tap": model.get_layer("tap").output}
    )
    images = toys.make_images(4)[0]
    outputs, _ = make_forward(tapped, xla=True)(images, training=False)
    expected, _ = make_forward(tapped)(images, training=False)
    assert set(outputs) == {"logits", "tap"}
    np.testing.assert_allclose(outputs["tap"], expected["tap"], rtol=1e-4, atol=1e-5)


def test_models_that_cannot_be_cut_are_refused():
    image = keras.Input([6])
    inner_input = keras.Input([6])
    inner = keras.Model(
        inner_input, keras.layers.BatchNormalization(synchronized=True)(inner_input), name="inner"
    )
    nested = keras.Model(image, keras.layers.Dense(2)(inner(image)), name="outer")
    with pytest.raises(ValueError, match=r"at the top level of the network\. Received: outer"):
        make_forward(nested, xla=True)

    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.normalization = keras.layers.BatchNormalization(synchronized=True)

        def call(self, inputs):
            return self.normalization(inputs)

    with pytest.raises(TypeError, match=r"needs a functional model. Received: Subclassed"):
        make_forward(Subclassed(), xla=True)
