import numpy as np
import pytest

from kd_keras import models
from tests.models import oracle


def build(**arguments):
    arguments = {"image_shape": (8, 8, 2), "num_classes": 5, "depth": 5, "seed": 0, **arguments}
    return models.get("plain_cnn", **arguments)


@pytest.mark.parametrize(("depth", "stem"), [(5, "small"), (8, "small"), (5, "large")])
def test_the_network_computes_what_its_description_says(depth, stem):
    network, images = oracle.randomize(build(depth=depth, stem=stem)), oracle.draw_images()
    large, convolutions = stem == "large", (depth - 2) // 3
    taps, x = {}, images.astype(np.float64)
    taps["stem"] = oracle.convolve(x, *oracle.weights_of(network, "stem"), 2 if large else 1)
    x = oracle.normalize(taps["stem"], oracle.weights_of(network, "stem_normalization"))
    x = oracle.pool_largest(oracle.rectify(x)) if large else oracle.rectify(x)
    for group in (1, 2, 3):
        for number in range(1, convolutions + 1):
            label, tap = f"group{group}_convolution{number}", f"group{group}"
            stride = 2 if group > 1 and number == 1 else 1
            x = oracle.convolve(x, *oracle.weights_of(network, label), stride)
            last = number == convolutions
            normalization = tap if last else f"{label}_normalization"
            taps[tap] = oracle.normalize(x, oracle.weights_of(network, normalization))
            x = oracle.rectify(taps[tap])
    taps["pooled"] = x.mean(axis=(1, 2))
    kernel, bias = oracle.weights_of(network, "logits")
    outputs = models.with_taps(network, tuple(taps))(images, training=False)
    for name, value in {**taps, "logits": taps["pooled"] @ kernel + bias}.items():
        np.testing.assert_allclose(
            outputs[name], value, rtol=1e-3, atol=1e-4 * np.abs(value).max(), err_msg=name
        )


def test_a_depth_that_is_not_3n_plus_2():
    with pytest.raises(ValueError, match="depth") as caught:
        build(depth=7)
    assert str(caught.value) == (
        "Invalid value for depth. Expected 3n + 2 (5, 8, 11, 14, 17, 20, ...). Received: 7. "
        "The nearest: 5 and 8."
    )
