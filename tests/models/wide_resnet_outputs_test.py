"""What a wide residual network computes, here and loaded from its file."""

import subprocess
import sys

import numpy as np
import pytest

from kd_keras import models
from tests.models.oracle import pool_largest

MEAN, DEVIATION = (125.0, 123.0), (63.0, 62.0)


def build(depth=10, width=1, side=8, **options):
    network = models.wide_resnet(
        (side, side, 2),
        5,
        depth=depth,
        width=width,
        mean=MEAN,
        standard_deviation=DEVIATION,
        seed=0,
        **options,
    )
    randomize(network)
    return network


def draw_images(side=8):
    return np.random.default_rng(0).uniform(0, 255, (4, side, side, 2)).astype(np.float32)


def randomize(network):
    """Give every weight, and the statistics of batch normalisation, a value that shows."""
    generator = np.random.default_rng(1)
    for variable in network.weights:
        positive = variable.path.endswith(("gamma", "variance"))
        low, high = (0.5, 1.5) if positive else (-0.5, 0.5)
        variable.assign(generator.uniform(low, high, variable.shape))


def convolve(x, kernel, stride=1):
    size = kernel.shape[0]
    margin = size // 2
    padded = np.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)])
    side = (x.shape[1] - 1) // stride + 1
    columns = [
        padded[:, i::stride, j::stride][:, :side, :side] for i in range(size) for j in range(size)
    ]
    return np.concatenate(columns, axis=-1) @ kernel.reshape(-1, kernel.shape[-1])


def normalize(x, weights):
    scale, offset, mean, variance = weights
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + offset


def expected_outputs(network, images, *, blocks, groups=3, large=False):
    """Stem, group sums, pooled features and logits, in float64, from the layers' weights."""

    def weights(name):
        return [w.astype(np.float64) for w in network.get_layer(name).get_weights()]

    x = (images - np.array(MEAN)) / np.array(DEVIATION)
    x = convolve(x, *weights("stem"), 2 if large else 1)
    taps = {"stem": x}
    if large:
        x = pool_largest(np.maximum(normalize(x, weights("stem_normalization")), 0))
    for group in range(1, groups + 1):
        for block in range(1, blocks + 1):
            label = f"group{group}_block{block}"
            stride = 2 if group > 1 and block == 1 else 1
            activated = np.maximum(normalize(x, weights(f"{label}_normalization1")), 0)
            branch = convolve(activated, *weights(f"{label}_convolution1"), stride)
            branch = np.maximum(normalize(branch, weights(f"{label}_normalization2")), 0)
            branch = convolve(branch, *weights(f"{label}_convolution2"))
            if branch.shape != x.shape:
                x = convolve(activated, *weights(f"{label}_shortcut"), stride)
            x = x + branch
        taps[f"group{group}"] = x
    x = np.maximum(normalize(x, weights("head_normalization")), 0).mean(axis=(1, 2))
    taps["pooled"] = x
    kernel, bias = weights("logits")
    return taps, x @ kernel + bias


@pytest.mark.parametrize(("depth", "width", "side"), [(10, 1, 8), (16, 1, 8), (10, 2, 7)])
def test_the_network_computes_what_its_description_says(depth, width, side):
    network, images = build(depth, width, side), draw_images(side)
    taps, logits = expected_outputs(network, images, blocks=(depth - 4) // 6)
    outputs = models.with_taps(network, tuple(taps))(images, training=False)
    for name, expected in taps.items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-3, atol=1e-5 * scale)
    scale = np.abs(logits).max()
    np.testing.assert_allclose(network(images), logits, rtol=1e-3, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("options", "form"),
    [
        ({"stem": "large"}, {"large": True, "groups": 4}),
        ({"groups": 2}, {"groups": 2}),
    ],
)
def test_the_form_for_large_images_and_the_one_of_fewer_groups(options, form):
    network, images = build(**options), draw_images()
    taps, logits = expected_outputs(network, images, blocks=1, **form)
    outputs = models.with_taps(network, tuple(taps))(images, training=False)
    for name, expected in {**taps, "logits": logits}.items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-3, atol=1e-5 * scale)
    if "stem" in options:
        channels = [network.get_layer(f"group{group}").output.shape[-1] for group in (1, 2, 3, 4)]
        assert channels == [64, 128, 256, 512]
        assert network.get_layer("stem").output.shape[1:] == (4, 4, 64)


LOAD = """
import sys
import keras, numpy
network = keras.saving.load_model("network.keras", safe_mode=True)
images = numpy.load("images.npy")
numpy.save("logits.npy", network(images, training=False))
assert not [name for name in sys.modules if name.startswith("kd_keras")]
"""


@pytest.mark.slow
def test_a_saved_network_loads_in_safe_mode_without_this_project(tmp_path):
    network, images = build(), draw_images()
    network.save(tmp_path / "network.keras")
    np.save(tmp_path / "images.npy", images)
    # Isolated, so that the project cannot be found.
    subprocess.run([sys.executable, "-I", "-c", LOAD], cwd=tmp_path, check=True)
    logits = np.load(tmp_path / "logits.npy")
    np.testing.assert_allclose(logits, network(images, training=False), rtol=1e-5, atol=1e-5)
