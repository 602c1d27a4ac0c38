"""Promise: under every precision the terms are float32, finite and near those in float32."""

import functools

import keras
import numpy as np
import pytest

from kd_keras import losses
from tests.distillation import toys


def _on_logits():
    return [name for name in losses.names() if not losses.get(name).taps]


@functools.cache
def _first_logs(policy, steps=1, names=None):
    keras.config.set_dtype_policy(policy)
    student, teacher = toys.make_residual(1), toys.make_residual(2)
    distiller = toys.make_distiller(
        student,
        teacher,
        adversary=toys.make_adversary(),
        matching=[(losses.get(name), 1.0) for name in names or _on_logits()],
        compiled=False,
    )
    toys.compile_with_sgd(distiller)
    images, labels = toys.make_images(16)
    for _ in range(steps):
        logs = distiller.train_on_batch(images, labels, return_dict=True)
    return logs, distiller


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_terms_are_near_those_in_float32(policy):
    expected, _ = _first_logs("float32")
    logs, distiller = _first_logs(policy)
    assert distiller.student.get_layer("tap").compute_dtype == policy.removeprefix("mixed_")
    assert len(expected) > 8
    for name, value in expected.items():
        if "accuracy" not in name and name != "agreement":
            assert logs[name] == pytest.approx(value, rel=0.1, abs=0.1), name


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_training_stays_finite_and_keeps_float32_weights(policy):
    logs, distiller = _first_logs(policy, steps=4)
    assert np.isfinite(list(logs.values())).all()
    assert {v.dtype for v in distiller.student.trainable_variables} == {"float32"}
    assert all(np.isfinite(v).all() for v in toys.weights_of(distiller.student))


def test_float16_scales_the_loss_and_gives_the_same_update():
    before = toys.weights_of(toys.make_residual(1))
    # A single loss: the sum of all overflows at the first scale, and then the step is left out.
    _, plain = _first_logs("float32", names=("logit_l1",))
    _, scaled = _first_logs("mixed_float16", names=("logit_l1",))
    assert float(scaled.optimizer.dynamic_scale) > 1
    moves = [
        np.concatenate(
            [(a - b).ravel() for a, b in zip(toys.weights_of(d.student), before, strict=True)]
        )
        for d in (plain, scaled)
    ]
    cosine = moves[0] @ moves[1] / np.linalg.norm(moves[0]) / np.linalg.norm(moves[1])
    assert cosine > 0.98
    assert np.linalg.norm(moves[1]) == pytest.approx(np.linalg.norm(moves[0]), rel=0.1)


def test_the_discriminator_computes_in_float32():
    _, distiller = _first_logs("mixed_bfloat16")
    discriminator = distiller.adversary.discriminator
    layers = [x for x in discriminator.layers if not isinstance(x, keras.layers.InputLayer)]
    assert len(layers) > 5
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    assert {tensor.dtype for tensor in discriminator.inputs} == {"float32"}
