"""Small networks from 8x8 images to five classes, with weights as if they were trained."""

import keras
import numpy as np
import pytest

from kd_keras import export
from kd_keras.export import interpreter

CLASS_NAMES = ("ant", "bee", "cat", "dog", "été")


def _residual(x, filters, stride):
    activated = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    branch = keras.layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(
        activated
    )
    branch = keras.layers.ReLU()(keras.layers.BatchNormalization()(branch))
    branch = keras.layers.Dropout(0.3)(branch)
    branch = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(branch)
    shortcut = keras.layers.Conv2D(filters, 1, strides=stride, use_bias=False)(activated)
    return keras.layers.Add()([shortcut, branch])


def _make_network(*, policy="float32", activation=None, preprocessing=True):
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    image = keras.Input((8, 8, 3), name="image")
    x = image
    if preprocessing:
        x = keras.layers.Normalization(
            mean=[120.0, 118.0, 110.0],
            variance=[3600.0, 3700.0, 3800.0],
            dtype="float32",
            name="standardization",
        )(x)
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(x)
    x = _residual(x, 8, stride=2)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    logits = keras.layers.Dense(5, activation=activation, dtype="float32", name="logits")(x)
    keras.config.set_dtype_policy("float32")
    model = keras.Model(image, logits, name="network")
    _train(model)
    return model


def _train(model):
    generator = np.random.default_rng(1)
    for weight in model.weights:
        low, high = (0.5, 1.5) if weight.name in ("gamma", "moving_variance") else (-0.5, 0.5)
        weight.assign(generator.uniform(low, high, weight.shape))


@pytest.fixture(scope="session")
def make_network():
    return _make_network


@pytest.fixture
def network():
    return _make_network()


@pytest.fixture
def images():
    return np.random.default_rng(2).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def class_names():
    return CLASS_NAMES


@pytest.fixture
def standardized(images):
    deviation = np.sqrt([3600.0, 3700.0, 3800.0])
    return ((images - [120.0, 118.0, 110.0]) / deviation).astype(np.float32)


@pytest.fixture(scope="session")
def trained():
    """The network that `exported` is of."""
    return _make_network()


@pytest.fixture(scope="session")
def calibration():
    """Images from black to white, as photographs are."""
    return np.random.default_rng(3).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def exported(trained, calibration, tmp_path_factory):
    """A file in every format whose packages are installed, by name."""
    return export.write(
        trained,
        tmp_path_factory.mktemp("every"),
        export.available(),
        class_names=CLASS_NAMES,
        representative_images=calibration,
        metadata={"licence": "CC0-1.0", "fingerprint": {"weights": "12ab"}},
    )


@pytest.fixture(scope="session")
def operations_of():
    """A function from a `.tflite` file to the names of its operations, in order."""

    def operations(path):
        opened = interpreter.open_interpreter(path, fused=False)
        return [operation.name for operation in interpreter.list_operations(opened)]

    return operations
