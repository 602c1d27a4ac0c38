import keras
import numpy as np
import pytest

from kd_keras import models

MEAN, DEVIATION = (125.0, 123.0), (63.0, 62.0)


def build(depth=10, width=1, **arguments):
    arguments = {"image_shape": (8, 8, 2), "num_classes": 5, "seed": 0, **arguments}
    return models.wide_resnet(depth=depth, width=width, **arguments)


def draw_images():
    return np.random.default_rng(0).uniform(0, 255, (4, 8, 8, 2)).astype(np.float32)


def layers_of(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


@pytest.mark.parametrize(("depth", "width"), [(10, 1), (10, 2), (16, 1), (22, 4), (40, 2)])
def test_taps_have_the_same_names_and_the_known_shapes_in_every_size(depth, width):
    network = build(depth, width, image_shape=(32, 32, 3))
    shapes = {
        name: network.get_layer(name).output.shape[1:]
        for name in ("stem", "group1", "group2", "group3", "pooled")
    }
    assert shapes == {
        "stem": (32, 32, 16),
        "group1": (32, 32, 16 * width),
        "group2": (16, 16, 32 * width),
        "group3": (8, 8, 64 * width),
        "pooled": (64 * width,),
    }


def test_the_network_goes_from_image_to_float32_logits():
    network = build(16, 3)
    assert network.name == "wide_resnet-16-3"
    assert build(name="student").name == "student"
    assert [tensor.name for tensor in network.inputs] == ["image"]
    assert network.output_shape == (None, 5)
    assert network.layers[-1].name == "logits"
    assert network.output.dtype == "float32"


def test_under_mixed_precision_the_logits_stay_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = build(mean=MEAN, standard_deviation=DEVIATION)
    assert network.output.dtype == "float32"
    assert network.get_layer("group1").output.dtype == "bfloat16"
    assert network.get_layer("standardization").output.dtype == "float32"


@pytest.mark.parametrize(
    ("depth", "width", "with_shortcut"),
    [
        (10, 1, {"group2_block1", "group3_block1"}),
        (10, 2, {"group1_block1", "group2_block1", "group3_block1"}),
        (16, 1, {"group2_block1", "group3_block1"}),
    ],
)
def test_a_shortcut_is_a_convolution_only_where_channels_or_size_change(
    depth, width, with_shortcut
):
    network = build(depth, width)
    names = {layer.name for layer in network.layers if layer.name.endswith("_shortcut")}
    assert names == {f"{label}_shortcut" for label in with_shortcut}
    for label in with_shortcut:
        shortcut = network.get_layer(f"{label}_shortcut")
        assert shortcut.kernel_size == (1, 1)
        assert shortcut.strides == ((1, 1) if label == "group1_block1" else (2, 2))
        assert shortcut.input is network.get_layer(f"{label}_relu1").output


def test_a_block_is_activated_before_its_convolutions_and_adds_its_raw_input():
    network = build(16, 1)

    def layer(name):
        return network.get_layer(f"group1_block2_{name}")

    before = network.get_layer("group1_block1_sum")
    assert layer("normalization1").input is before.output
    chain = ["normalization1", "relu1", "convolution1", "normalization2", "relu2", "dropout"]
    for first, second in zip(chain, [*chain[1:], "convolution2"], strict=True):
        assert layer(second).input is layer(first).output
    added = network.get_layer("group1").input
    assert added[0] is before.output
    assert added[1] is layer("convolution2").output


def test_dropout_has_its_rate_and_a_seed_of_its_own():
    dropouts = layers_of(build(16, 1, dropout=0.4), keras.layers.Dropout)
    assert [layer.rate for layer in dropouts] == [0.4] * 6
    assert len({layer.seed for layer in dropouts}) == 6
    assert layers_of(build(16, 1, dropout=0.0), keras.layers.Dropout) == []


def test_normalisation_and_convolutions_are_as_in_pytorch():
    network = build(16, 2)
    normalizations = layers_of(network, keras.layers.BatchNormalization)
    assert len(normalizations) == 2 * 6 + 1
    assert {(layer.momentum, layer.epsilon) for layer in normalizations} == {(0.9, 1e-5)}
    convolutions = layers_of(network, keras.layers.Conv2D)
    assert len(convolutions) == 1 + 2 * 6 + 3
    assert not any(layer.use_bias for layer in convolutions)


def test_it_takes_pixels_only_where_mean_and_deviation_are_given():
    pixels = draw_images()
    plain, standardizing = build(), build(mean=np.float32(MEAN), standard_deviation=DEVIATION)
    standardized = (pixels - np.float32(MEAN)) / np.float32(DEVIATION)
    np.testing.assert_allclose(standardizing(pixels), plain(standardized), rtol=1e-4, atol=1e-5)


def test_one_pixel_is_enough():
    assert build(image_shape=(1, 1, 3))(np.zeros([2, 1, 1, 3], np.float32)).shape == (2, 5)


def test_kernels_start_with_the_deviation_of_their_fan_out():
    network = build(10, 4, image_shape=(8, 8, 3))
    for layer in layers_of(network, keras.layers.Conv2D):
        kernel = layer.get_weights()[0]
        if kernel.size > 4000:
            fan_out = kernel.shape[0] ** 2 * kernel.shape[-1]
            assert kernel.std() == pytest.approx(np.sqrt(2 / fan_out), rel=0.05), layer.name


def test_the_last_layer_starts_in_the_range_of_its_inputs():
    kernel, bias = build(10, 2, num_classes=100).get_layer("logits").get_weights()
    bound = 1 / np.sqrt(128)
    assert 0.99 * bound < np.abs(kernel).max() <= bound
    assert not bias.any()


def same(first, second):
    return [np.array_equal(a, b) for a, b in zip(first, second, strict=True)]


def test_a_seed_makes_two_networks_equal_to_the_bit():
    first, second = build(16, 1, seed=3), build(16, 1, seed=3)
    assert all(same(first.get_weights(), second.get_weights()))
    images = draw_images()
    dropped = [network(images, training=True) for network in (first, second)]
    np.testing.assert_array_equal(*dropped)


@pytest.mark.parametrize("seeds", [(3, 4), (0, 1), (None, None)])
def test_another_seed_or_none_makes_another_network(seeds):
    first, second = (
        [layer.get_weights()[0] for layer in layers_of(build(seed=seed), keras.layers.Conv2D)]
        for seed in seeds
    )
    assert not any(same(first, second))


@pytest.mark.parametrize("seed", [0, None])
def test_no_two_layers_start_equal(seed):
    network = build(16, 1, seed=seed)
    kernels = [layer.get_weights()[0] for layer in layers_of(network, keras.layers.Conv2D)]
    starts = [tuple(kernel.ravel()[:8]) for kernel in kernels]
    assert len(set(starts)) == len(starts)


@pytest.mark.parametrize(
    ("depth", "nearest"), [(17, "16 and 22"), (40 + 5, "40 and 46"), (4, "10"), (0, "10")]
)
def test_a_depth_that_is_not_6n_plus_4(depth, nearest):
    with pytest.raises(ValueError, match="depth") as caught:
        build(depth)
    assert str(caught.value) == (
        "Invalid value for depth. Expected 6n + 4 (10, 16, 22, 28, 34, 40, ...). "
        f"Received: {depth}. The nearest: {nearest}."
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"depth": 16, "stem": "large"},
            "Invalid value for depth. Expected 10, 18 or 34 with stem=large. Received: 16.",
        ),
        ({"stem": "big"}, "Unknown stem. Expected one of large, small. Received: big."),
        (
            {"groups": 4},
            "Invalid value for groups. Expected 0, for all, or 1 to 3. Received: 4.",
        ),
        ({"width": 0}, "Invalid value for width. Expected 1 or more. Received: 0."),
        ({"num_classes": 1}, "Invalid value for num_classes. Expected 2 or more. Received: 1."),
        ({"mean": MEAN}, "Expected mean and standard_deviation together. Received: one of them."),
    ],
)
def test_another_argument_out_of_range(arguments, sentence):
    with pytest.raises(ValueError, match="Expected") as caught:
        build(**arguments)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("dropout", [-0.1, 1.5])
def test_a_dropout_that_is_no_probability(dropout):
    with pytest.raises(ValueError, match="rate"):
        build(dropout=dropout)
