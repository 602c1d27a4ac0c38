"""What the presets describe is built: every student, objective and recipe among them, once.

That a preset describes the right thing is tested in `presets_test`, its commands in
`presets_commands_test`.
"""

import functools
import math
import pathlib

import keras
import numpy as np
import pytest

import flags
from kd_keras import assembly, distillers, losses, pipeline
from kd_keras.data import Split, Splits

_FOLDER = pathlib.Path(flags.__file__).parent / "presets"
_NAMES = sorted(
    path.relative_to(_FOLDER).with_suffix("").as_posix() for path in _FOLDER.glob("*/*.flags")
)
_CLASSES = {"cifar10": 10, "cifar100": 100, "imagenet32": 1000, "image_folder": 10}
_TABLE_5_MILLIONS = {
    **{(10, 2): 0.32, (10, 4): 1.22, (10, 6): 2.72, (10, 8): 4.81, (10, 10): 7.49},
    **{(16, 4): 2.77, (22, 4): 4.32, (28, 4): 5.87, (34, 4): 7.42},
}
_BLOCKS = [f"block{number}" for number in range(1, 6)]
# By the beginning of the name: the recipe, and the student's learning rate at some epochs.
_RECIPES = {
    "paper/table2_imagenet32": (
        {"epochs": 70, "batch_size": 256, "weight_decay": 1e-4, "nesterov": False},
        {1: 0.1, 24: 0.1, 25: 0.01, 49: 0.01, 50: 0.001, 70: 0.001},
    ),
    "paper": (
        {"epochs": 200, "batch_size": 128, "weight_decay": 1e-4, "nesterov": False},
        {1: 0.1, 79: 0.1, 80: 0.01, 159: 0.01, 160: 0.001, 200: 0.001},
    ),
    "crd": (
        {"epochs": 240, "batch_size": 64, "weight_decay": 5e-4, "nesterov": False},
        {1: 0.05, 150: 0.05, 151: 5e-3, 180: 5e-3, 181: 5e-4, 210: 5e-4, 211: 5e-5, 240: 5e-5},
    ),
    "two_cores/teacher": (
        {"epochs": 30, "batch_size": 128, "weight_decay": 5e-4, "nesterov": True},
        {1: 0.1, 11: 0.075, 16: 0.05, 21: 0.025},
    ),
    "two_cores": (
        {"epochs": 20, "batch_size": 128, "weight_decay": 5e-4, "nesterov": True},
        {1: 0.1, 6: 0.05 * (1 + 0.5**0.5), 11: 0.05, 16: 0.05 * (1 - 0.5**0.5)},
    ),
}


@functools.cache
def _read(name):
    words = ["train_teacher", f"--flagfile={name}"]
    return flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)[1]


def _first_with_each(*sections):
    """The first preset of each different content of some sections of the configuration."""
    found = {}
    for name in _NAMES:
        config = _read(name)
        content = (config.data.dataset, *(getattr(config, section) for section in sections))
        found.setdefault(content, name)
    return list(found.values())


def _recipe(name):
    return next(recipe for start, recipe in _RECIPES.items() if name.startswith(start))


@functools.cache
def _splits(dataset):
    random, num_classes = np.random.default_rng(0), _CLASSES[dataset]
    images = random.integers(256, size=(256, 32, 32, 3), dtype=np.uint8)
    split = Split.from_arrays(images, random.integers(num_classes, size=256))
    nothing = split.select([])
    return Splits(
        name=dataset,
        train=split,
        validation=nothing,
        test=nothing,
        class_names=tuple(map(str, range(num_classes))),
        flip_keeps_label=True,
    )


def _build_stand_in(dataset):
    image = keras.Input(_splits(dataset).image_shape)
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    return keras.Model(image, keras.layers.Dense(_CLASSES[dataset])(pooled))


def test_the_students_of_table_5_are_among_the_built():
    students = [_read(name).student for name in _first_with_each("student")]
    assert {(student.depth, student.width) for student in students} >= set(_TABLE_5_MILLIONS)


@pytest.mark.parametrize("name", _first_with_each("student"))
def test_builds_the_student(name):
    config = _read(name)
    keras.config.set_dtype_policy(config.training.precision)
    student = assembly.build_network(config.student, _splits(config.data.dataset), seed=0)
    size, classes = (config.student.depth, config.student.width), _CLASSES[config.data.dataset]
    assert (student.output_shape, student.output.dtype) == ((None, classes), "float32")
    if classes == 100 and size in _TABLE_5_MILLIONS:
        parameters = sum(math.prod(weight.shape) for weight in student.trainable_variables)
        assert round(parameters / 1e6, 2) == _TABLE_5_MILLIONS[size]


@pytest.mark.parametrize(
    "name", _first_with_each("teacher", "distillation", "discriminator", "training")
)
def test_builds_the_objective_and_the_recipe(name):
    config = _read(name)
    section, splits = config.distillation, _splits(config.data.dataset)
    network = _build_stand_in(config.data.dataset)
    teacher = network if section.needs_teacher else None
    distiller = distillers.build_distiller(config, splits, network, teacher)
    expected = {"supervised": section.supervised_weight}
    for loss, weight in section.weighted_losses:
        expected[loss] = losses.default_weight(loss) if weight is None else weight
    if "soft_target" in expected:
        expected["soft_target.temperature"] = section.temperature
    optimizers = [distiller.optimizer]
    if section.adversarial_weight:
        expected["adversarial"] = section.adversarial_weight
        optimizers.append(distiller.discriminator_optimizer)
        _check_discriminator(distiller.adversary.discriminator, config.discriminator.depth)
    found = {key: float(value) for key, value in distiller.hyperparameters.items()}
    assert found == pytest.approx(expected)
    recipe, rates = _recipe(name)
    precision = "mixed_bfloat16" if name.startswith("two_cores/") else "float32"
    assert config.training.precision == precision
    assert {key: getattr(config.training, key) for key in recipe} == recipe
    _check_student_optimizer(distiller.optimizer, recipe)
    for optimizer, initial in zip(optimizers, (rates[1], 1e-3), strict=False):
        _check_rates(optimizer, len(splits.train) // recipe["batch_size"], initial, rates)


def _check_discriminator(discriminator, depth):
    blocks = [layer.name for layer in discriminator.layers if layer.name in _BLOCKS]
    assert blocks == _BLOCKS[:depth]


def _check_student_optimizer(optimizer, recipe):
    found = (optimizer.momentum, optimizer.nesterov, optimizer.coupled_weight_decay)
    assert found == (0.9, recipe["nesterov"], recipe["weight_decay"])


def _check_rates(optimizer, steps_per_epoch, initial, rates):
    for epoch, rate in rates.items():
        optimizer.iterations.assign((epoch - 1) * steps_per_epoch)
        found = float(optimizer.learning_rate)
        assert found == pytest.approx(initial * rate / rates[1], rel=1e-4), epoch
