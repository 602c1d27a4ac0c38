import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distillation.passes import Pass
from tests.distillation import toys


def _make():
    image = keras.Input([2], name="image")
    inner = keras.layers.Dense(4, kernel_initializer="ones", name="inner")(image)
    return keras.Model(
        image, keras.layers.Dense(3, kernel_initializer="ones", name="logits")(inner)
    )


_IMAGES = tf.constant([[1.0, 2.0], [0.0, 0.5], [-1.0, 3.0]])
_SUMS = np.float32([3.0, 0.5, 2.0])


@pytest.mark.parametrize("micro_batches", [1, 2, 3])
def test_logits_and_taps_by_name_however_the_batch_is_cut(micro_batches):
    asked = Pass(_make(), ("inner",), micro_batches=micro_batches)
    outputs = asked.ask(_IMAGES)
    np.testing.assert_allclose(outputs["inner"], np.tile(_SUMS[:, None], 4))
    np.testing.assert_allclose(outputs["logits"], 4 * np.tile(_SUMS[:, None], 3))
    trained, _ = asked.train(_IMAGES)
    for name, value in outputs.items():
        np.testing.assert_array_equal(trained[name], value)


def test_outputs_are_float32_whatever_the_network_computes_in():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = _make()
    finally:
        keras.config.set_dtype_policy("float32")
    assert model(_IMAGES).dtype == "bfloat16"
    run = Pass(model)
    assert run.ask(_IMAGES)["logits"].dtype == "float32"
    assert run.train(_IMAGES)[0]["logits"].dtype == "float32"


@pytest.mark.parametrize("micro_batches", [1, 2])
def test_the_way_back_gives_the_gradients_of_the_whole_batch(micro_batches):
    model = _make()
    outputs, run_backwards = Pass(model, micro_batches=micro_batches).train(_IMAGES)
    upstream = {"logits": tf.ones_like(outputs["logits"])}
    optimizer = keras.optimizers.SGD(0.1)
    gradients, regularization = run_backwards(upstream, optimizer, model.trainable_variables)
    assert float(regularization) == 0.0
    by_name = {
        variable.path: gradient
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
    }
    # d(sum of logits) / d(kernel of the last layer) = the sum of what it is given.
    np.testing.assert_allclose(by_name["logits/kernel"], np.full([4, 3], _SUMS.sum()))
    np.testing.assert_allclose(by_name["logits/bias"], np.full([3], 3.0))


def test_a_device_without_images_is_asked_about_none():
    """On processors, a convolution of no images has another shape than it should."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        network = toys.make_residual(1)
    image = toys.make_images(1)[0].astype("float32")
    given = tf.data.Dataset.from_tensor_slices(image).batch(2)
    [batch] = strategy.experimental_distribute_dataset(given)

    @tf.function
    def ask(images):
        return strategy.run(lambda part: Pass(network).ask(part)["logits"], args=(images,))

    parts = strategy.experimental_local_results(ask(batch))
    assert [part.shape for part in parts] == [(1, toys.CLASSES), (0, toys.CLASSES)]
    np.testing.assert_allclose(parts[0], network(image), rtol=1e-4, atol=1e-5)
