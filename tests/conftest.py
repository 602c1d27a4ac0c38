"""What every test starts from: two logical processors, one seed, one dtype policy."""

import gc
import os
import signal

import pytest

from kd_keras import startup

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_configure(config):
    """Start TensorFlow with two logical processors.

    Replicas can be tested on a machine with one processor only if TensorFlow is told before its
    first operation. Everything else runs on the first of the two.
    """
    startup.start_tensorflow()
    import tensorflow as tf

    processor = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(processor, devices)
    # What TensorFlow keeps for good need not be looked through again and again.
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _interruptible():
    """A shell has what it starts in the background ignore Ctrl-C, which tests send."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def _any_processor():
    """What is left to the machine must not depend on the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kd_keras.processor.capabilities", frozenset)
        yield


@pytest.fixture(autouse=True)
def _repeatable():
    import keras

    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy("float32")
