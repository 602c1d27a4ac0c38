import numpy as np
import pytest

from kd_keras import models
from tests.models import oracle


def build(**arguments):
    arguments = {"image_shape": (8, 8, 2), "num_classes": 5, "depth": 11, "seed": 0, **arguments}
    return models.get("res_next", **{"width": 3, "cardinality": 2, **arguments})


def expected_outputs(network, images, cardinality):
    def convolve_and_normalize(x, name, stride=1):
        x = oracle.convolve(x, *oracle.weights_of(network, name), stride)
        return oracle.normalize(x, oracle.weights_of(network, f"{name}_normalization"))

    x = oracle.rectify(convolve_and_normalize(images.astype(np.float64), "stem"))
    taps = {}
    for group in (1, 2, 3):
        label, stride = f"group{group}_block1", 2 if group > 1 else 1
        branch = oracle.rectify(convolve_and_normalize(x, f"{label}_convolution1"))
        middle = f"{label}_convolution2"
        names = [f"{middle}_path{path}" for path in range(1, cardinality + 1)]
        parts = np.split(branch, cardinality, axis=-1)
        branch = np.concatenate(
            [
                oracle.convolve(part, *oracle.weights_of(network, name), stride)
                for name, part in zip(names, parts, strict=True)
            ],
            axis=-1,
        )
        branch = oracle.normalize(branch, oracle.weights_of(network, f"{middle}_normalization"))
        branch = convolve_and_normalize(oracle.rectify(branch), f"{label}_convolution3")
        taps[f"group{group}"] = branch + convolve_and_normalize(x, f"{label}_shortcut", stride)
        x = oracle.rectify(taps[f"group{group}"])
    taps["pooled"] = x.mean(axis=(1, 2))
    kernel, bias = oracle.weights_of(network, "logits")
    return {**taps, "logits": taps["pooled"] @ kernel + bias}


def test_the_network_computes_what_its_description_says():
    network, images = oracle.randomize(build()), oracle.draw_images()
    expected = expected_outputs(network, images, cardinality=2)
    outputs = models.with_taps(network, tuple(set(expected) - {"logits"}))(images, training=False)
    for name, value in expected.items():
        np.testing.assert_allclose(
            outputs[name], value, rtol=1e-3, atol=1e-4 * np.abs(value).max(), err_msg=name
        )


def test_one_path_is_a_plain_convolution():
    network = build(cardinality=1)
    assert network.get_layer("group1_block1_convolution2").kernel.shape == (3, 3, 3, 3)


def test_the_large_stem_has_four_groups():
    network = build(depth=26, stem="large", cardinality=1, image_shape=(64, 64, 3))
    shapes = [network.get_layer(f"group{group}").output.shape[1:] for group in range(1, 5)]
    assert shapes == [(16, 16, 256), (8, 8, 512), (4, 4, 1024), (2, 2, 2048)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"depth": 10},
            "Invalid value for depth. Expected 9n + 2 (11, 20, 29, 38, 47, 56, ...). Received: "
            "10. The nearest: 11.",
        ),
        (
            {"depth": 29, "stem": "large"},
            "Invalid value for depth. Expected 26, 50 or 101 with stem=large. Received: 29.",
        ),
        ({"cardinality": 0}, "Invalid value for cardinality. Expected 1 or more. Received: 0."),
    ],
)
def test_what_it_does_not_come_in_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match="Expected") as caught:
        build(**arguments)
    assert str(caught.value) == sentence
