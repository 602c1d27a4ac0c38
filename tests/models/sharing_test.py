import keras
import numpy as np
import pytest

from kd_keras import models


def build(network="plain_cnn", **arguments):
    sizes = {"image_shape": (8, 8, 3), "num_classes": 4, "width": 1, "seed": 0}
    return models.get(network, **{**sizes, **arguments})


def common_layers(light, booster):
    kernels = {id(layer.kernel): layer.name for layer in convolutions(booster)}
    found = [layer for layer in convolutions(light) if id(layer.kernel) in kernels]
    assert all(kernels[id(layer.kernel)] == layer.name for layer in found)
    return [layer.name for layer in found]


def convolutions(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]


PAIRS = {
    "interval": ({"depth": 5}, {"depth": 8}),
    "bottom": (
        {"network": "wide_resnet", "depth": 10, "groups": 2},
        {"network": "wide_resnet", "depth": 10},
    ),
}


@pytest.fixture(scope="module", params=PAIRS)
def pair(request):
    """A light network before and after it shares with a booster, and the booster."""
    of_light, of_booster = PAIRS[request.param]
    before, booster = build(**of_light), build(seed=1, **of_booster)
    return before, models.share_convolutions(before, booster, request.param), booster


def test_every_convolution_of_the_light_network_has_the_boosters_kernel(pair):
    before, light, booster = pair
    shared = common_layers(light, booster)
    assert shared == [layer.name for layer in convolutions(light)]
    assert shared[0] == "stem"
    assert light.count_params() == before.count_params()
    assert light.name == before.name


def test_normalisation_and_the_last_layer_stay_its_own(pair):
    before, light, booster = pair
    others = {id(v) for v in booster.variables}
    own = [v for v in light.variables if id(v) not in others]
    assert len(own) == len(light.variables) - len(convolutions(light))
    kept = {id(v) for v in before.variables}
    assert all(id(v) in kept for v in own)


def test_the_light_network_computes_with_the_boosters_kernels(pair):
    before, light, booster = pair
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    alone = keras.models.clone_model(before)
    for layer in alone.layers:
        source = booster if type(layer) is keras.layers.Conv2D else before
        layer.set_weights(source.get_layer(layer.name).get_weights())
    np.testing.assert_allclose(
        light(images, training=False), alone(images, training=False), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("light", "booster", "how", "sentence"),
    [
        (
            {"depth": 5, "width": 2},
            {"depth": 8},
            "interval",
            "The convolution group1_convolution1 cannot be shared. Expected one of the same name "
            "and form in plain_cnn-8-1, kernel 3x3x16x32, stride 1. Received: kernel 3x3x16x16, "
            "stride 1. Take two networks of one kind and width.",
        ),
        (
            {"depth": 8},
            {"depth": 5},
            "interval",
            "The convolution group1_convolution2 cannot be shared. Expected one of the same name "
            "and form in plain_cnn-5-1, kernel 3x3x16x16, stride 1. Received: none of that name. "
            "Take two networks of one kind and width.",
        ),
        (
            {"depth": 5},
            {"depth": 8},
            "bottom",
            "plain_cnn-5-1 is not the bottom of plain_cnn-8-1. Expected the same convolutions up "
            "to some depth, as of a wide_resnet of the same depth and width with the option "
            "groups=2. Received: group2_convolution1 in the place of group1_convolution2.",
        ),
        (
            *PAIRS["bottom"],
            "interval",
            "wide_resnet-10-1 has not the groups of wide_resnet-10-1. Expected convolutions in "
            "each. Received: none in group3. Share the bottom, or take a shallower network with "
            "all groups.",
        ),
        (
            {"depth": 5},
            {"depth": 5},
            "top",
            "Unknown share. Expected one of bottom, interval. Received: top.",
        ),
    ],
)
def test_networks_that_are_not_made_for_each_other(light, booster, how, sentence):
    with pytest.raises(ValueError, match="Expected") as caught:
        models.share_convolutions(build(**light), build(**booster), how)
    assert str(caught.value) == sentence
