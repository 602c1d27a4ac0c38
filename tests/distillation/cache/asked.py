"""A teacher of seconds and what it is asked, which the tests of the cache share."""

import dataclasses
import json

import keras
import numpy as np

from kd_keras import data, models
from kd_keras.distillation import cache
from kd_keras.distillation.cache.asking import Respondent
from kd_keras.distillation.cache.building import build

IMAGES, CLASSES = 23, 4
AUGMENTATION = data.Augmentation(crop_padding=2, padding="zero", flip=True)


def make_split(images=IMAGES, seed=0):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (images, 5, 5, 2)).astype(np.uint8)
    return data.Split.from_arrays(pixels, random.integers(0, CLASSES, images))


def make_teacher(seed=0, *, dropout=0.0, classes=CLASSES):
    initializers = [keras.initializers.GlorotUniform(seed + i) for i in range(2)]
    image = keras.Input((5, 5, 2), name="image")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 50, -2.0)(image))
    x = keras.layers.Dense(8, "relu", kernel_initializer=initializers[0])(x)
    if dropout:
        x = keras.layers.Dropout(dropout, seed=seed)(x)
    return keras.Model(image, keras.layers.Dense(classes, kernel_initializer=initializers[1])(x))


def make_request(teacher=None, **arguments):
    settings = {"augmentation": AUGMENTATION, "batch_size": 5, **arguments}
    settings.setdefault("split", make_split())
    return cache.Request(teacher=teacher or make_teacher(), **settings)


def make_random_request(**arguments):
    teacher = models.with_active_dropout(make_teacher(dropout=0.5), seed=0)
    return make_request(teacher, **{"samples": 3, **arguments})


_respondents = {}


def make_respondent(request):
    """A teacher ready to be asked; equal ones are traced once for all tests of a process."""
    key = (request.fingerprint, request.xla, request.teacher.distribute_strategy)
    if key not in _respondents:
        _respondents[key] = Respondent(request)
    return _respondents[key]


def expected_logits(request, view):
    """The teacher's logits of one view, computed at once."""
    split = request.split
    [images] = data.view_batches(
        split,
        batch_size=len(split),
        augmentation=request.augmentation,
        seed=request.view_seed,
        views=[view],
    )
    return request.teacher(images, training=False).numpy()


def build_entry(folder, request=None, *, views=3):
    """A complete entry with a name as a real one has."""
    request = request or make_request()
    entry = cache.Entry.create(folder / f"made-{request.fingerprint[:16]}", request)
    build(entry, make_respondent(request), request.record, views=views)
    return entry


def read_logits(entry, request, view, sample=0):
    """What is kept of one view."""
    rows = np.concatenate([np.fromfile(path, np.uint8) for path in shards_of(entry)])
    rows = rows.reshape(-1, entry.manifest.samples, IMAGES, request.record.size_bytes)
    return request.record.decode(rows[view, sample])


def shards_of(entry):
    return sorted(entry.folder.glob("views-*.bin"))


def change_json(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def with_other(request, **values):
    return dataclasses.replace(request, **values)
