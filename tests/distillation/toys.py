"""Small models and data that the tests of the distiller share."""

import keras
import numpy as np
import tensorflow as tf

from kd_keras import distillation, losses, models
from tests.models.discriminators import make_opinionated

CLASSES = 4


def make_classifier(width=1, *, seed=0, dropout=0.0, shape=(8, 8, 3), classes=CLASSES):
    return models.get(
        "wide_resnet",
        image_shape=shape,
        num_classes=classes,
        depth=10,
        width=width,
        dropout=dropout,
        mean=(127.0,) * shape[-1],
        standard_deviation=(60.0,) * shape[-1],
        seed=seed,
    )


def make_residual(seed=0, *, filters=4, shape=(8, 8, 3), classes=CLASSES):
    """The parts of a wide residual network, once each, so that XLA compiles it quickly."""

    def convolution(**arguments):
        initializer = keras.initializers.GlorotUniform(seed)
        return keras.layers.Conv2D(
            filters, 3, padding="same", kernel_initializer=initializer, **arguments
        )

    image = keras.Input(shape, name="image")
    stem = convolution(strides=2)(keras.layers.Rescaling(1 / 128, -1)(image))
    branch = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(stem))
    branch = convolution()(branch)
    branch = keras.layers.BatchNormalization(momentum=0.9, name="tap")(branch)
    joined = keras.layers.ReLU()(keras.layers.Add()([stem, branch]))
    pooled = keras.layers.GlobalAveragePooling2D()(joined)
    initializer = keras.initializers.GlorotUniform(seed + 1)
    return keras.Model(image, keras.layers.Dense(classes, kernel_initializer=initializer)(pooled))


def make_dense(seed=0, *, units=CLASSES, inputs=6, name="dense", **layer):
    image = keras.Input([inputs], name="image")
    hidden = keras.layers.Dense(
        8, activation="relu", kernel_initializer=keras.initializers.GlorotUniform(seed), name="tap"
    )(image)
    initializer = keras.initializers.GlorotUniform(seed + 1)
    logits = keras.layers.Dense(units, kernel_initializer=initializer, **layer)(hidden)
    return keras.Model(image, logits, name=name)


def make_images(count=32, shape=(8, 8, 3), classes=CLASSES, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, *shape)).astype("uint8")
    return images, generator.integers(0, classes, count).astype("int32")


def make_vectors(count=32, inputs=6, classes=CLASSES, seed=0):
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(count, inputs)).astype("float32")
    return vectors, generator.integers(0, classes, count).astype("int32")


def make_adversary(game="minimax", *, classes=CLASSES, depth=1, dropout=0.0, seed=5, **choices):
    """With a discriminator that is of an opinion already."""
    discriminator = make_opinionated(classes, depth=depth, dropout=dropout, seed=seed)
    return distillation.Adversary(discriminator, game, **choices)


def make_distiller(student=None, teacher=None, *, adversary=None, compiled=True, **arguments):
    student = student or make_dense(1, name="student")
    teacher = teacher or make_dense(2, name="teacher")
    arguments.setdefault("matching", [(losses.LogitL1(), 1.0)])
    distiller = distillation.Distiller(student, teacher, adversary=adversary, **arguments)
    if compiled:
        compile_with_sgd(distiller)
    return distiller


def compile_with_sgd(distiller, **arguments):
    distiller.compile(
        keras.optimizers.SGD(0.05, momentum=0.9),
        keras.optimizers.SGD(0.01, momentum=0.9) if distiller.adversary else None,
        **arguments,
    )


def batches(images, labels, size=16):
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(size, drop_remainder=True)


def weights_of(model):
    return [variable.numpy() for variable in model.variables]


def largest_difference(first, second):
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True) if a.size)
