import numpy as np
import pytest

from kd_keras import models
from tests.models import oracle


def build(**arguments):
    arguments = {"image_shape": (8, 8, 2), "num_classes": 5, "depth": 8, "seed": 0, **arguments}
    return models.get("deeply_fused", **arguments)


def expected_block(network, x, label, *, length, stride):
    for number in range(1, length + 1):
        name = f"{label}_convolution{number}"
        kernel = oracle.weights_of(network, name)
        x = oracle.convolve(x, *kernel, stride if number == 1 else 1)
        x = oracle.normalize(x, oracle.weights_of(network, f"{name}_normalization"))
        x = oracle.rectify(x) if number < length else x
    return x


@pytest.mark.parametrize(
    ("arguments", "deep", "shallow", "fusions"),
    [
        ({}, 2, 1, 1),
        ({"fusions": 2}, 1, 1, 2),
        ({"stem": "large", "width": 2, "depth": 5, "shallow": 2}, 1, 2, 1),
    ],
)
def test_the_network_computes_what_its_description_says(arguments, deep, shallow, fusions):
    network, images = oracle.randomize(build(**arguments)), oracle.draw_images()
    large = arguments.get("stem") == "large"
    taps, x = {}, images.astype(np.float64)
    taps["stem"] = oracle.convolve(x, *oracle.weights_of(network, "stem"), 2 if large else 1)
    x = oracle.normalize(taps["stem"], oracle.weights_of(network, "stem_normalization"))
    x = oracle.pool_largest(oracle.rectify(x)) if large else oracle.rectify(x)
    for group in (1, 2, 3):
        for fusion in range(1, fusions + 1):
            stride = 2 if group > 1 and fusion == 1 else 1
            x = sum(
                expected_block(
                    network,
                    x,
                    f"group{group}_fusion{fusion}_{base}",
                    length=length,
                    stride=stride,
                )
                for base, length in (("deep", deep), ("shallow", shallow))
            )
            taps[f"group{group}"] = x
            x = oracle.rectify(x)
    taps["pooled"] = x.mean(axis=(1, 2))
    kernel, bias = oracle.weights_of(network, "logits")
    outputs = models.with_taps(network, tuple(taps))(images, training=False)
    for name, value in {**taps, "logits": taps["pooled"] @ kernel + bias}.items():
        np.testing.assert_allclose(
            outputs[name], value, rtol=1e-3, atol=1e-4 * np.abs(value).max(), err_msg=name
        )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"depth": 7},
            "Invalid value for depth. Expected 3n + 2 (5, 8, 11, 14, 17, 20, ...). Received: 7. "
            "The nearest: 5 and 8.",
        ),
        (
            {"depth": 11, "fusions": 2},
            "Invalid value for fusions. Expected a divisor of 3, the convolutions of a group at "
            "depth 11. Received: 2.",
        ),
        ({"shallow": 0}, "Invalid value for shallow. Expected 1 or more. Received: 0."),
    ],
)
def test_what_it_does_not_come_in_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match="Expected") as caught:
        build(**arguments)
    assert str(caught.value) == sentence
