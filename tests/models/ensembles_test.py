import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses, models
from tests.models.teachers_test import make_images, make_network


def make_constant(*logits):
    """A network that says the same of every image."""
    image = keras.Input((2,))
    layer = keras.layers.Dense(len(logits), kernel_initializer="zeros")
    network = keras.Model(image, layer(image))
    layer.bias.assign(logits)
    return network


def softmax(logits):
    powers = np.exp(logits - np.max(logits))
    return powers / powers.sum()


def test_the_mean_of_networks_is_that_of_their_logits():
    first, second = make_network(1), make_network(2)
    images = make_images()
    mean = models.mean_of([first, second])
    expected = (first(images).numpy() + second(images).numpy()) / 2
    np.testing.assert_allclose(mean(images), expected, rtol=1e-6, atol=1e-6)
    assert len(mean.weights) == len(first.weights) + len(second.weights)
    assert mean.output_shape == (None, 4)


def test_one_network_is_its_own_mean():
    network = make_network()
    assert models.mean_of([network]) is network


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_softened_by_its_temperature_the_mean_of_softened_outputs_comes_back(temperature):
    members = np.array([[2.0, -1.0, 0.5], [-3.0, 0.25, 1.0], [0.0, 0.0, 4.0]])
    mean = models.mean_of([make_constant(*m) for m in members], temperature=temperature)
    logits = mean(np.zeros([1, 2], "float32")).numpy()[0].astype("float64")
    expected = np.mean([softmax(m / temperature) for m in members], axis=0)
    np.testing.assert_allclose(softmax(logits / temperature), expected, rtol=1e-5)
    # The student's soft target and its gradient are then those of the mean of probabilities.
    student = tf.Variable([[0.3, -0.2, 0.1]])
    with tf.GradientTape() as tape:
        loss = losses.SoftTarget(temperature=temperature).per_example(logits[None], student)
    q = softmax(student.numpy()[0] / temperature)
    np.testing.assert_allclose(
        loss, [temperature**2 * np.sum(expected * np.log(expected / q))], rtol=1e-4
    )
    np.testing.assert_allclose(
        tape.gradient(loss, student)[0], temperature * (q - expected), rtol=1e-3, atol=1e-6
    )


def test_at_a_large_temperature_the_two_means_are_one_but_for_a_number_per_image():
    members = [make_constant(2.0, -1.0, 0.5), make_constant(-3.0, 0.25, 1.0)]
    image = np.zeros([1, 2], "float32")
    softened = models.mean_of(members, temperature=1000.0)(image).numpy()[0]
    plain = models.mean_of(members)(image).numpy()[0]
    np.testing.assert_allclose(
        softened - softened.mean(), plain - plain.mean(), rtol=5e-3, atol=5e-3
    )


def test_teachers_that_are_sure_of_different_classes_stay_finite():
    mean = models.mean_of([make_constant(1e4, 0.0), make_constant(0.0, 1e4)], temperature=1.0)
    logits = mean(np.zeros([1, 2], "float32")).numpy()[0]
    np.testing.assert_allclose(logits, np.log([0.5, 0.5]), rtol=1e-6)


def test_alike_teachers_are_as_sure_as_one():
    mean = models.mean_of([make_constant(2.0, -1.0, 0.5)] * 2, temperature=2.0)
    logits = mean(np.zeros([1, 2], "float32")).numpy()[0]
    np.testing.assert_allclose(
        softmax(logits.astype("float64")), softmax(np.array([2.0, -1.0, 0.5])), rtol=1e-6
    )


def test_the_mean_of_probabilities_is_float32_under_every_policy_and_saved_whole(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mean = models.mean_of([make_network(1), make_network(2)], temperature=3.0)
    finally:
        keras.config.set_dtype_policy("float32")
    answer = mean(make_images())
    assert answer.dtype == tf.float32
    mean.save(tmp_path / "mean.keras")
    again = keras.models.load_model(tmp_path / "mean.keras")
    np.testing.assert_array_equal(again(make_images()), answer)


def test_a_fingerprint_knows_the_kind_of_mean_and_its_temperature():
    networks = [make_network(1), make_network(2)]
    means = [models.mean_of(networks, temperature=t) for t in (0.0, 1.0, 4.0, 4.0)]
    prints = [models.fingerprint(mean) for mean in means]
    assert len(set(prints)) == 3
    assert prints[2] == prints[3]


def test_a_negative_temperature_is_refused():
    with pytest.raises(ValueError, match=r"temperature\. Expected 0 or more\. Received: -1"):
        models.mean_of([make_constant(0.0)], temperature=-1)


def test_networks_of_other_classes_or_images_have_no_mean():
    with pytest.raises(
        ValueError,
        match=r"^Teachers of one ensemble disagree\. Expected images \(8, 8, 3\) and 4 classes, as "
        r"wide_resnet-10-1 has\. Received: images \(8, 8, 3\) and 7 classes of wide_resnet-10-1",
    ):
        models.mean_of([make_network(), make_network(num_classes=7)])
