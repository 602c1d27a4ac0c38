"""Promise: every network goes from images to float32 logits, names its taps, and saves plainly."""

import itertools

import keras
import numpy as np
import pytest

from kd_keras import distillation, losses, models
from tests.conformance import smallest
from tests.conformance.smallest import make
from tests.distillation import toys

NETWORKS = models.names()
TAPS = ("stem", "group1", "group2", "group3", "pooled")


def test_networks_were_found():
    assert len(NETWORKS) > 5
    assert set(smallest.SIZES) <= set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_it_goes_from_image_by_taps_to_float32_logits_under_every_policy(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = make(name, mean=(120.0,) * 3, standard_deviation=(60.0,) * 3)
    assert [tensor.name for tensor in network.inputs] == ["image"]
    assert network.output_shape == (None, toys.CLASSES)
    assert network.layers[-1].name == "logits"
    assert network.output.dtype == network.get_layer("standardization").output.dtype == "float32"
    assert network.get_layer("group1").output.dtype == "bfloat16"
    assert network.name.startswith(f"{name}-")
    assert models.to_logits(network) is network
    ranks = {tap: len(network.get_layer(tap).output.shape) for tap in TAPS}
    assert ranks == {"stem": 4, "group1": 4, "group2": 4, "group3": 4, "pooled": 2}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_seed_repeats_it_and_no_two_kernels_start_equal(name):
    first, again = (make(name, seed=3).get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    kernels = [w for w in first if w.ndim > 1]
    for a, b in itertools.combinations([w for w in kernels if w.size > 8], 2):
        assert not np.array_equal(a.ravel()[:8], b.ravel()[:8])


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_saved_without_classes_of_this_project(name, tmp_path):
    network = make(name)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", safe_mode=True)
    assert not any(type(layer).__module__.startswith("kd_keras") for layer in loaded.layers)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(
        loaded(images, training=False), network(images, training=False), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_it_learns_from_every_kind_of_term(name):
    """A step on labels, logits and taps, in the network's faster twin."""
    options = {"mean": (127.0,) * 3, "standard_deviation": (60.0,) * 3}
    student, teacher = make(name, **options), make("plain_cnn", **options)
    distiller = distillation.Distiller(
        student,
        teacher,
        matching=[(losses.SoftTarget(), 1.0), (losses.AttentionTransfer(), 1.0)],
    )
    toys.compile_with_sgd(distiller, run_eagerly=True)
    before = [v.numpy() for v in student.trainable_variables]
    images, labels = toys.make_images(16)
    logs = distiller.train_on_batch(images, labels, return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    moved = [
        not np.array_equal(a, b) for a, b in zip(before, student.trainable_variables, strict=True)
    ]
    assert all(moved)
