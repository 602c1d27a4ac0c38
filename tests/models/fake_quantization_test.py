import keras
import numpy as np
import pytest

from kd_keras import models


def draw(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def network():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(4, 3, name="stem")(image)
    activated = keras.layers.ReLU(name="relu")(x)
    padded = keras.layers.ZeroPadding2D(name="padding")(activated)
    branch = keras.layers.Conv2D(4, 3, activation="relu", name="branch")(padded)
    x = keras.layers.Add(name="sum")([x, branch])
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = keras.layers.ReLU(name="last_relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    return keras.Model(image, keras.layers.Dense(5, name="logits")(x), name="network")


def trained():
    """With ranges that two batches have moved, and kernels off their grid."""
    model = models.with_fake_quantization(network())
    for seed in (0, 1):
        model(draw(8, 8, 8, 3, seed=seed), training=True)
    for variable in model.trainable_variables:
        variable.assign(1.01 * variable + 1e-3)
    return model


def test_what_the_interpreter_computes_in_one_operation_is_rounded_once():
    # The stem is read by the sum too; the depthwise convolution by its ReLU alone.
    assert set(models.learned_ranges(models.with_fake_quantization(network()))) == {
        *("image", "stem", "relu", "branch", "sum", "last_relu", "pooled", "logits")
    }


def test_ranges_are_learnt_and_the_pixels_keep_theirs():
    ranges = models.learned_ranges(trained())
    assert ranges["image"] == (0.0, 255.0)
    assert ranges["relu"][0] == 0.0
    low, high = ranges["stem"]
    assert low < 0 < high
    assert ranges["relu"][1] == pytest.approx(high, rel=0.01)  # of the rounded stem


def test_the_given_network_is_left_alone_and_its_function_nearly_kept():
    model, images = network(), draw(16, 8, 8, 3)
    before = model.get_weights()
    quantized = models.with_fake_quantization(model)
    logits = quantized(images, training=True)
    np.testing.assert_allclose(logits, model(images), atol=0.05 * np.ptp(model(images)))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_plain_network_with_the_ranges_is_the_one_that_was_trained():
    model, images = trained(), draw(6, 8, 8, 3, seed=1)
    plain = models.to_plain(model)
    assert {type(layer).__module__.split(".")[0] for layer in plain.layers} == {"keras"}
    assert plain.count_params() == network().count_params()
    rounding = models.with_ranges(plain, models.learned_ranges(model))
    np.testing.assert_allclose(rounding(images), model(images), atol=1e-3)
    assert np.abs(plain(images) - model(images)).max() > 1e-3


def test_the_plain_network_is_saved_and_loads_with_keras_alone(tmp_path):
    model, images = trained(), draw(6, 8, 8, 3)
    models.to_plain(model).save(tmp_path / "plain.keras")
    loaded = keras.models.load_model(tmp_path / "plain.keras")
    rounding = models.with_ranges(loaded, models.learned_ranges(model))
    np.testing.assert_allclose(rounding(images), model(images), atol=1e-3)


def test_a_layer_that_is_called_twice_has_two_ranges():
    image = keras.Input((3,), name="image")
    shared = keras.layers.Dense(3, name="shared")
    model = models.with_fake_quantization(keras.Model(image, shared(shared(image))))
    assert set(models.learned_ranges(model)) == {"image", "shared", "shared_2"}
    # The image, one kernel, one bias and three pairs of limits.
    assert len(model.weights) == 2 + 6


def test_another_network_has_no_ranges():
    assert models.learned_ranges(network()) == {}


def test_ranges_of_another_network_are_refused():
    message = r"The ranges are not of network\. Expected one for image\. Received: those of a, b\."
    with pytest.raises(ValueError, match=message):
        models.with_ranges(network(), {"a": (0, 1), "b": (0, 1)})


def test_a_model_inside_is_refused():
    image = keras.Input((8, 8, 3))
    outer = keras.Model(image, network()(image), name="outer")
    message = r"Cannot quantise outer\. .* Received: network inside\."
    with pytest.raises(ValueError, match=message):
        models.with_fake_quantization(outer)


def test_an_image_that_is_given_by_keyword_is_rounded():
    image = keras.Input((4, 4, 1), name="image")
    x = keras.layers.Conv2D(2, 3, name="stem")(inputs=image)
    quantized = models.with_fake_quantization(keras.Model(image, x))
    assert [layer.name for layer in quantized.layers][:2] == ["image", "image_range"]
