import numpy as np
import pytest

from kd_keras import models
from tests.models import oracle


def build(**arguments):
    arguments = {"image_shape": (8, 8, 2), "num_classes": 5, "depth": 8, "seed": 0, **arguments}
    return models.get("vgg", **{"width": 1, **arguments})


def pool(x):
    return np.maximum.reduce([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])


def test_the_network_computes_what_its_description_says():
    network, images = oracle.randomize(build()), oracle.draw_images()
    taps, x = {}, images.astype(np.float64)
    for group in (1, 2, 3, 4, 5):
        name = "stem" if group == 1 else f"group{group}_convolution1"
        x = oracle.convolve(x, *oracle.weights_of(network, name))
        taps |= {"stem": x} if group == 1 else {}
        tap = f"group{group}"
        taps[tap] = oracle.normalize(x, oracle.weights_of(network, tap))
        x = oracle.rectify(taps[tap])
        x = pool(x) if group <= 3 else x
    taps["pooled"] = x.mean(axis=(1, 2))
    kernel, bias = oracle.weights_of(network, "logits")
    outputs = models.with_taps(network, tuple(taps))(images, training=False)
    for name, value in {**taps, "logits": taps["pooled"] @ kernel + bias}.items():
        np.testing.assert_allclose(
            outputs[name], value, rtol=1e-3, atol=1e-4 * np.abs(value).max(), err_msg=name
        )


@pytest.mark.parametrize(
    ("stem", "sides"), [("small", [64, 32, 16, 8, 8]), ("large", [64, 32, 16, 8, 4])]
)
def test_channels_and_sizes_of_the_groups(stem, sides):
    network = build(width=2, stem=stem, image_shape=(64, 64, 3))
    shapes = [network.get_layer(f"group{group}").output.shape[1:] for group in range(1, 6)]
    channels = [32, 64, 128, 256, 256]
    assert shapes == [(s, s, c) for s, c in zip(sides, channels, strict=True)]


def test_convolutions_follow_the_depth():
    names = [layer.name for layer in build(depth=13).layers if "convolution" in layer.name]
    assert len([name for name in names if name.endswith(("convolution1", "convolution2"))]) == 9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"depth": 10},
            "Invalid value for depth. Expected 8, 11, 13, 16 or 19. Received: 10.",
        ),
        ({"stem": "big"}, "Unknown stem. Expected one of large, small. Received: big."),
    ],
)
def test_what_it_does_not_come_in_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match="Expected") as caught:
        build(**arguments)
    assert str(caught.value) == sentence
