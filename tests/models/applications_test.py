import inspect
import random
import sys

import keras
import numpy as np
import pytest

from kd_keras import models
from kd_keras.models import applications


def build(name="applications/MobileNet", side=32, **arguments):
    arguments = {"alpha": 0.25, **arguments} if name.endswith("/MobileNet") else arguments
    return models.get(name, image_shape=(side, side, 3), num_classes=5, **arguments)


def test_the_names_are_those_of_keras():
    functions = {
        name for name, entry in inspect.getmembers(keras.applications) if inspect.isfunction(entry)
    }
    assert set(models.APPLICATIONS) == functions
    assert models.names() == sorted(models.NETWORKS)
    assert "applications/MobileNetV2" in models.names(applications=True)


def test_it_is_keras_network_with_our_image_and_classes():
    network = build(mean=(120.0, 120.0, 120.0), standard_deviation=(60.0, 60.0, 60.0))
    theirs = keras.applications.MobileNet(
        (32, 32, 3), 0.25, weights=None, classes=5, classifier_activation=None
    )
    assert network.count_params() == theirs.count_params()
    theirs.set_weights(network.get_weights())
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(
        network(images, training=False),
        theirs((images - 120) / 60, training=False),
        rtol=1e-4,
        atol=1e-5,
    )
    assert models.to_logits(network) is network


def test_a_network_that_scales_pixels_itself_is_given_pixels(monkeypatch):
    theirs = sys.modules[keras.applications.EfficientNetB0.__module__]
    monkeypatch.setattr(theirs, "DEFAULT_BLOCKS_ARGS", theirs.DEFAULT_BLOCKS_ARGS[:1])
    constants = {"mean": (120.0,) * 3, "standard_deviation": (60.0,) * 3}
    network = build("applications/EfficientNetB0", **constants)
    stem = network.get_layer("stem_conv_pad")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    seen = keras.Model(network.input, stem.input)(pixels)
    np.testing.assert_allclose(seen, pixels / 255, rtol=1e-6)


def test_no_other_network_scales_pixels_itself():
    """Of those that have no argument to leave it out, by the source that builds them."""
    for name in models.APPLICATIONS:
        function = getattr(keras.applications, name)
        if "include_preprocessing" not in inspect.signature(function).parameters:
            source = inspect.getsource(sys.modules[function.__module__])
            scales = "layers.Rescaling(" in source or "layers.Normalization(" in source
            assert scales == (name in applications._TAKING_PIXELS), name


def test_logits_are_float32_under_every_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert build().output.dtype == "float32"


def test_a_seed_makes_two_networks_equal_and_leaves_pythons_generator_alone():
    random.seed(3)
    expected = random.random()
    random.seed(3)
    first, again, other = (build(seed=seed).get_weights() for seed in (1, 1, 2))
    assert random.random() == expected
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_texts_become_options_of_the_network():
    assert models.read_options("applications/MobileNetV2", {"alpha": "0.5"}) == {"alpha": 0.5}
    assert applications.defaults_of("MobileNet") == {
        "image_size": 0,
        "alpha": 1.0,
        "depth_multiplier": 1,
        "dropout": 0.001,
    }
    with pytest.raises(ValueError, match=r"Unknown option of applications/VGG16\."):
        models.read_options("applications/VGG16", {"weights": "imagenet"})


def test_images_that_it_does_not_take_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"^MobileNet cannot be built for images of \(8, 8, 3\)"):
        build(side=8)
    network = build(side=8, image_size=32)
    assert network.input_shape == (None, 8, 8, 3)
    assert network.get_layer("scaling").output.shape == (None, 32, 32, 3)
