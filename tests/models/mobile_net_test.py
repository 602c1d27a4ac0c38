import numpy as np
import pytest

from kd_keras import models
from tests.models import oracle


def build(**arguments):
    arguments = {"image_shape": (8, 8, 2), "num_classes": 5, "depth": 18, "seed": 0, **arguments}
    return models.get("mobile_net", **{"width": 1, **arguments})


@pytest.mark.parametrize("stem", ["small", "large"])
def test_the_network_computes_what_its_description_says(stem):
    network, images = oracle.randomize(build(stem=stem)), oracle.draw_images()

    def convolve_and_rectify(convolve, x, name, stride=1):
        x = convolve(x, *oracle.weights_of(network, name), stride)
        return oracle.rectify(
            oracle.normalize(x, oracle.weights_of(network, f"{name}_normalization"))
        )

    taps, x = {}, images.astype(np.float64)
    x = convolve_and_rectify(oracle.convolve, x, "stem", 2 if stem == "large" else 1)
    for group, blocks in enumerate((1, 2, 2, 1, 2), start=1):
        for block in range(1, blocks + 1):
            label = f"group{group}_block{block}"
            stride = 2 if group > 1 and block == 1 else 1
            x = convolve_and_rectify(oracle.convolve_channels, x, f"{label}_depthwise", stride)
            x = oracle.convolve(x, *oracle.weights_of(network, f"{label}_pointwise"))
            tap = f"group{group}" if block == blocks else f"{label}_normalization"
            taps[tap] = oracle.normalize(x, oracle.weights_of(network, tap))
            x = oracle.rectify(taps[tap])
    taps["pooled"] = x.mean(axis=(1, 2))
    kernel, bias = oracle.weights_of(network, "logits")
    outputs = models.with_taps(network, tuple(taps))(images, training=False)
    for name, value in {**taps, "logits": taps["pooled"] @ kernel + bias}.items():
        np.testing.assert_allclose(
            outputs[name], value, rtol=1e-3, atol=1e-4 * np.abs(value).max(), err_msg=name
        )


@pytest.mark.parametrize(("depth", "repeats"), [(18, 0), (28, 5)])
def test_depth_counts_the_blocks_of_512_channels(depth, repeats):
    names = {layer.name for layer in build(depth=depth).layers}
    assert f"group4_block{1 + repeats}_pointwise" in names
    assert f"group4_block{2 + repeats}_pointwise" not in names


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"depth": 17},
            "Invalid value for depth. Expected 2n + 18 (18, 20, 22, 24, 26, 28, ...). Received: "
            "17. The nearest: 18.",
        ),
        ({"stem": "big"}, "Unknown stem. Expected one of large, small. Received: big."),
    ],
)
def test_what_it_does_not_come_in_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match="Expected") as caught:
        build(**arguments)
    assert str(caught.value) == sentence
