"""What the benchmarks measure with: networks, images and distillers of random numbers.

Speed does not depend on the numbers.
"""

import argparse

import keras
import numpy as np
import tensorflow as tf

from kd_keras import data, distillation, losses, models, training
from kd_keras.data import reading
from tests.benchmarks import turns

__all__ = [
    "AUGMENTATION",
    "make_batch",
    "make_batches",
    "make_distiller",
    "make_network",
    "make_parser",
    "make_split",
    "print_choices",
    "repeat_batch",
    "time_fit",
]

AUGMENTATION = data.Augmentation(crop_padding=4, padding="zero", flip=True)


def make_parser(documentation, *, rounds=5, steps=5, batch_size=128):
    """A parser with what most benchmarks ask for."""
    parser = argparse.ArgumentParser(description=documentation.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds, help="turns of each")
    parser.add_argument("--steps", type=int, default=steps, help="in a turn")
    parser.add_argument("--batch_size", type=int, default=batch_size)
    return parser


def print_choices():
    """Print what the machine is quick in, and why; returns the precision."""
    choices = {"precision": training.choose_precision(), "xla": training.choose_xla()}
    for name, choice in choices.items():
        print(f"{name}: {choice.value}, because {choice.reason}")
    return choices["precision"].value


def make_network(size, *, classes=10, precision="float32", dropout=0.0):
    """A wide residual network of a size such as "10-4", under a dtype policy."""
    depth, width = map(int, size.split("-"))
    keras.config.set_dtype_policy(precision)
    network = models.get(
        "wide_resnet",
        image_shape=(32, 32, 3),
        num_classes=classes,
        depth=depth,
        width=width,
        dropout=dropout,
        mean=(125.0,) * 3,
        standard_deviation=(60.0,) * 3,
        seed=0,
    )
    keras.config.set_dtype_policy("float32")
    return network


def make_split(count, classes=10):
    """A split of random images."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 32, 32, 3), np.uint8)
    return data.Split.from_arrays(images, random.integers(0, classes, count))


def make_batches(split, batch_size, extras=None, **place):
    """Endless batches of one augmented view, from a `first_epoch` and `first_step` on."""
    return data.training_batches(
        split,
        batch_size=batch_size,
        augmentation=AUGMENTATION,
        seed=0,
        views=1,
        extras=extras,
        **place,
    )


def make_batch(size, classes=10):
    """One batch: features with a teacher's logits, and labels."""
    random = np.random.default_rng(0)
    features = {
        "image": random.integers(0, 256, (size, 32, 32, 3), np.uint8),
        "teacher_logits": random.normal(size=(size, classes)).astype("float16"),
        "examples": np.arange(size),
    }
    return features, random.integers(0, classes, size).astype("int32")


def repeat_batch(features, labels):
    """The same batch without end, at no cost."""
    return reading.untuned(tf.data.Dataset.from_tensors((features, labels)).repeat())


def make_distiller(student, *, teacher=None, loss=None, adversary=False, shares=False, **compiled):
    """A compiled distiller: on labels alone, with a loss, with a discriminator.

    Args:
        student: The network to train.
        teacher: Another, where it is to be asked in every step.
        loss: A `losses.DistillationLoss`, or None.
        adversary: Whether there is a discriminator.
        shares: Whether the terms' shares of the gradient are tracked.
        **compiled: Further arguments of `Distiller.compile`.
    """
    opponent = None
    if adversary:
        classes = student.output_shape[-1]
        opponent = distillation.Adversary(models.get("discriminator", num_classes=classes, seed=1))
    distiller = distillation.Distiller(
        student,
        teacher,
        matching=[(losses.get(loss) if isinstance(loss, str) else loss, 1.0)] if loss else [],
        adversary=opponent,
        track_gradient_shares=shares,
    )
    compiled.setdefault("xla", training.choose_xla().value == "yes")
    distiller.compile(
        training.CoupledSGD(0.01, momentum=0.9, coupled_weight_decay=1e-4),
        training.CoupledSGD(0.01, momentum=0.9) if adversary else None,
        **compiled,
    )
    return distiller


def time_fit(model, batches):
    """A function from a number of steps to the seconds that `fit` takes for them, all of it."""
    return turns.timed(
        lambda steps: model.fit(batches, steps_per_epoch=steps, verbose=0, shuffle=False)
    )
