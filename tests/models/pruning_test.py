import keras
import numpy as np
import pytest

from kd_keras import models
from kd_keras.export import measure_complexity


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(0.0, 1.0, shape).astype(np.float32)


def residual():
    return models.get(
        "wide_resnet",
        image_shape=(8, 8, 3),
        num_classes=4,
        depth=10,
        width=1,
        mean=[120.0, 118.0, 110.0],
        standard_deviation=[60.0, 61.0, 62.0],
        seed=0,
    )


def silence(model, label, filters):
    """Make filters of a block's first convolution zero, and their channels after it."""
    kernel, *_ = model.get_layer(f"{label}_convolution1").get_weights()
    kernel[..., filters] = 0
    model.get_layer(f"{label}_convolution1").set_weights([kernel])
    normalization = model.get_layer(f"{label}_normalization2")
    gamma, beta, mean, variance = normalization.get_weights()
    mean[filters] = beta[filters] = 0
    normalization.set_weights([gamma, beta, mean, variance])


def test_filters_of_zeros_leave_the_outputs_equal():
    model = residual()
    for number, group in enumerate((16, 32, 64)):
        chosen = np.random.default_rng(number).choice(group, group // 2, replace=False)
        silence(model, f"group{number + 1}_block1", chosen)
    pruned = models.prune_filters(model, 0.5)
    images = np.random.default_rng(1).uniform(0, 255, (5, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(pruned(images), model(images), atol=1e-5)
    assert np.ptp(model(images)) > 0.1


def test_a_block_loses_its_inner_channels_and_the_sums_keep_theirs():
    pruned = models.prune_filters(residual(), 0.75)
    shapes = {layer.name: layer.kernel.shape for layer in pruned.layers if hasattr(layer, "kernel")}
    assert shapes["stem"] == (3, 3, 3, 16)
    assert shapes["group2_block1_convolution1"] == (3, 3, 16, 8)
    assert shapes["group2_block1_convolution2"] == (3, 3, 8, 32)
    assert shapes["group2_block1_shortcut"] == (1, 1, 16, 32)
    assert pruned.get_layer("group2_block1_normalization2").gamma.shape == (8,)
    assert [layer.name for layer in pruned.layers] == [layer.name for layer in residual().layers]


def test_it_is_truly_smaller():
    model = residual()
    before, after = map(measure_complexity, (model, models.prune_filters(model, 0.5)))
    inner = 9 * (16 * 16 + 16 * 32 + 32 * 64) + 9 * (16**2 + 32**2 + 64**2) + 2 * (16 + 32 + 64)
    assert before.parameters - after.parameters == inner // 2
    assert after.multiply_adds < 0.6 * before.multiply_adds


def plain(last="relu"):
    image = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(4, 3, name="first", activation="relu")(image)
    x = keras.layers.ZeroPadding2D()(x)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = keras.layers.Activation(last)(x)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(3, name="logits")(x), name="plain")


def test_the_filters_of_the_smallest_norm_go_and_their_channels_behind():
    model = plain()
    kernel = draw(3, 3, 2, 4) * [1.0, 0.1, 2.0, 0.2]
    model.get_layer("first").set_weights([kernel, np.arange(4.0)])
    model.get_layer("depthwise").set_weights([draw(3, 3, 4, 1, seed=1), np.arange(4.0)])
    kept = np.sort(np.argsort(np.abs(kernel).sum(axis=(0, 1, 2)))[2:])
    assert kept.tolist() == [0, 2]
    before = model.get_weights()
    pruned = models.prune_filters(model, 0.5)
    expected = [
        before[0][..., kept],
        before[1][kept],
        before[2][:, :, kept],
        before[3][kept],
        before[4][kept],
        before[5],
    ]
    for received, weight in zip(pruned.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(received, weight)
    for received, weight in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(received, weight)


def test_one_filter_stays():
    assert models.prune_filters(plain(), 0.99).get_layer("first").filters == 1


def test_nothing_goes_at_a_fraction_of_0():
    model, images = plain(), draw(3, 6, 6, 2)
    np.testing.assert_array_equal(models.prune_filters(model, 0.0)(images), model(images))


def test_it_is_saved_and_loads_with_keras_alone(tmp_path):
    pruned, images = models.prune_filters(residual(), 0.5), draw(8, 8, 8, 3)
    pruned.save(tmp_path / "pruned.keras")
    loaded = keras.models.load_model(tmp_path / "pruned.keras")
    np.testing.assert_allclose(loaded(images), pruned(images), atol=1e-5)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(ValueError, match=r"Invalid value for fraction\. Expected a number from 0"):
        models.prune_filters(plain(), fraction)


def test_channels_that_are_mixed_or_summed_stay():
    with pytest.raises(ValueError, match=r"No filter of plain can go\. Expected convolutions"):
        models.prune_filters(plain(last="softmax"), 0.5)


def test_a_normalization_inside_keeps_its_numbers(tmp_path):
    pixels = np.random.default_rng(1).uniform(0, 255, (9, 6, 6, 2)).astype(np.float32)
    normalization = keras.layers.Normalization()
    normalization.adapt(pixels)
    inside = keras.Sequential([keras.Input((6, 6, 2)), normalization], name="inside")
    image = keras.Input((6, 6, 2))
    x = keras.layers.ReLU()(keras.layers.Conv2D(4, 3)(inside(image)))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(3)(x))
    np.testing.assert_array_equal(models.prune_filters(model, 0.0)(pixels), model(pixels))
    pruned = models.prune_filters(model, 0.5)
    pruned.save(tmp_path / "pruned.keras")
    loaded = keras.models.load_model(tmp_path / "pruned.keras")
    np.testing.assert_allclose(loaded(pixels), pruned(pixels), rtol=1e-5)


def test_channels_that_are_read_by_keyword_stay():
    image = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(4, 3, name="read")(image)
    y = keras.layers.Conv2D(4, 1, name="behind")(x)
    y = keras.layers.Concatenate()(inputs=[x, y])
    y = keras.layers.Conv2D(4, 1, name="inner")(y)
    y = keras.layers.GlobalAveragePooling2D()(y)
    pruned = models.prune_filters(keras.Model(image, keras.layers.Dense(3)(y)), 0.5)
    filters = {name: pruned.get_layer(name).filters for name in ("read", "behind", "inner")}
    assert filters == {"read": 4, "behind": 4, "inner": 2}
