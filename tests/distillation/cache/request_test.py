import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import data, models
from tests.distillation.cache import asked


def change_weight(request):
    weights = request.teacher.get_weights()
    weights[-1] = weights[-1] + np.float32(1e-3)
    teacher = asked.make_teacher()
    teacher.set_weights(weights)
    return asked.with_other(request, teacher=teacher)


CHANGES = {
    "weight": change_weight,
    "images": lambda request: asked.with_other(request, split=asked.make_split(seed=1)),
    "order": lambda request: asked.with_other(
        request, split=request.split.select(range(asked.IMAGES - 1, -1, -1))
    ),
    "augmentation": lambda request: asked.with_other(
        request, augmentation=data.Augmentation(crop_padding=1, padding="zero", flip=True)
    ),
    "plain": lambda request: asked.with_other(request, augmentation=None),
    "view_seed": lambda request: asked.with_other(request, view_seed=1),
    "samples": lambda request: asked.with_other(request, samples=2),
    "top_k": lambda request: asked.with_other(request, top_k=2),
    "storage": lambda request: asked.with_other(request, storage="float32"),
    "ensemble": lambda request: asked.with_other(
        request, teacher=models.mean_of([request.teacher, asked.make_teacher(5)])
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_fingerprint_changes_with(change):
    request = asked.make_request()
    assert change(request).fingerprint != request.fingerprint


def test_active_dropout_changes_the_fingerprint():
    teacher = asked.make_teacher(dropout=0.5)
    active = models.with_active_dropout(teacher, seed=0)
    first, second = asked.make_request(teacher), asked.make_request(active)
    assert first.fingerprint != second.fingerprint
    assert (first.is_random, second.is_random) == (False, True)


def test_several_devices_change_the_fingerprint_where_they_draw_masks():
    def fingerprints():
        teacher = asked.make_teacher(dropout=0.5)
        active = models.with_active_dropout(teacher, seed=0)
        return [asked.make_request(each).fingerprint for each in (teacher, active)]

    calm, random = fingerprints()
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        calm_on_two, random_on_two = fingerprints()
    assert calm_on_two == calm
    assert random_on_two != random


def test_how_it_is_asked_does_not_change_the_fingerprint():
    request = asked.make_request()
    assert asked.make_request().fingerprint == request.fingerprint
    for change in ({"batch_size": 7}, {"xla": True}):
        assert asked.with_other(request, **change).fingerprint == request.fingerprint


def test_without_views_and_masks_the_seed_of_the_views_does_not_count():
    prints = [asked.make_request(augmentation=None, view_seed=s).fingerprint for s in (0, 1)]
    assert prints[0] == prints[1]
    prints = [asked.make_random_request(augmentation=None, view_seed=s).fingerprint for s in (0, 1)]
    assert prints[0] != prints[1]


def test_precision_of_the_teacher_counts():
    keras.config.set_dtype_policy("mixed_bfloat16")
    low = asked.make_teacher()
    keras.config.set_dtype_policy("float32")
    high = asked.make_teacher()
    high.set_weights(low.get_weights())
    assert asked.make_request(low).fingerprint != asked.make_request(high).fingerprint


def test_too_many_of_the_largest_are_refused():
    with pytest.raises(ValueError, match=r"^Invalid value for top_k\. Expected less than the 4 "):
        assert asked.make_request(top_k=4).record


def test_xla_changes_the_fingerprint_where_masks_are_drawn():
    teacher = asked.make_teacher(dropout=0.5)
    active = models.with_active_dropout(teacher, seed=0)
    plain, compiled = (asked.make_request(teacher=active, xla=xla) for xla in (False, True))
    assert plain.fingerprint != compiled.fingerprint
