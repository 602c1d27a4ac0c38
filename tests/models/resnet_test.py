import numpy as np
import pytest

from kd_keras import models
from tests.models import oracle


def build(**arguments):
    arguments = {"image_shape": (8, 8, 2), "num_classes": 5, "depth": 8, "seed": 0, **arguments}
    return models.get("resnet", **arguments)


def expected_outputs(network, images, *, groups, large=False, convolutions=False):
    """The taps and the logits, from the layers' weights and the words of the description."""

    def convolve_and_normalize(x, name, stride=1):
        x = oracle.convolve(x, *oracle.weights_of(network, name), stride)
        return oracle.normalize(x, oracle.weights_of(network, f"{name}_normalization"))

    x = images.astype(np.float64)
    taps = {"stem": oracle.convolve(x, *oracle.weights_of(network, "stem"), 2 if large else 1)}
    x = oracle.normalize(taps["stem"], oracle.weights_of(network, "stem_normalization"))
    x = oracle.pool_largest(oracle.rectify(x)) if large else oracle.rectify(x)
    for group in range(1, groups + 1):
        label, stride = f"group{group}_block1", 2 if group > 1 else 1
        branch = oracle.rectify(convolve_and_normalize(x, f"{label}_convolution1", stride))
        branch = convolve_and_normalize(branch, f"{label}_convolution2")
        if convolutions and branch.shape != x.shape:
            x = convolve_and_normalize(x, f"{label}_shortcut", stride)
        elif branch.shape != x.shape:
            missing = branch.shape[-1] - x.shape[-1]
            x = np.pad(x[:, ::stride, ::stride], [(0, 0)] * 3 + [(0, missing)])
        taps[f"group{group}"] = x + branch
        x = oracle.rectify(x + branch)
    taps["pooled"] = x.mean(axis=(1, 2))
    kernel, bias = oracle.weights_of(network, "logits")
    return {**taps, "logits": taps["pooled"] @ kernel + bias}


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        ({}, {"groups": 3}),
        ({"width": 2, "stem_filters": 8}, {"groups": 3}),
        ({"width": 2, "shortcut": "convolution"}, {"groups": 3, "convolutions": True}),
        ({"depth": 10, "stem": "large"}, {"groups": 4, "large": True, "convolutions": True}),
    ],
)
def test_the_network_computes_what_its_description_says(arguments, form):
    network, images = oracle.randomize(build(**arguments)), oracle.draw_images()
    expected = expected_outputs(network, images, **form)
    outputs = models.with_taps(network, tuple(set(expected) - {"logits"}))(images, training=False)
    for name, value in expected.items():
        np.testing.assert_allclose(
            outputs[name], value, rtol=1e-3, atol=1e-4 * np.abs(value).max(), err_msg=name
        )


def test_blocks_follow_the_depth_and_channels_the_width():
    names = {layer.name for layer in build(depth=14).layers}
    assert {"group1_block1_sum", "group1", "group3_block1_sum", "group3"} <= names
    network = build(width=3, image_shape=(32, 32, 3))
    shapes = [network.get_layer(f"group{group}").output.shape[1:] for group in (1, 2, 3)]
    assert shapes == [(32, 32, 48), (16, 16, 96), (8, 8, 192)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"depth": 10},
            "Invalid value for depth. Expected 6n + 2 (8, 14, 20, 26, 32, 38, ...). Received: 10. "
            "The nearest: 8 and 14.",
        ),
        (
            {"depth": 20, "stem": "large"},
            "Invalid value for depth. Expected 10, 18 or 34 with stem=large. Received: 20.",
        ),
        ({"stem": "big"}, "Unknown stem. Expected one of large, small. Received: big."),
        (
            {"shortcut": "none"},
            "Unknown shortcut. Expected one of auto, convolution, identity. Received: none.",
        ),
        (
            {"stem_filters": 32},
            "Invalid value for stem_filters. Expected up to 16, the channels of the first group, "
            "because shortcuts are identities. Received: 32. Set shortcut to convolution.",
        ),
        ({"width": 0}, "Invalid value for width. Expected 1 or more. Received: 0."),
    ],
)
def test_what_it_does_not_come_in_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match="Expected") as caught:
        build(**arguments)
    assert str(caught.value) == sentence
