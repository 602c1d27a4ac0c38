"""Which devices a run uses, and what they can compute in."""

import functools

import tensorflow as tf

from kd_keras import machine

__all__ = ["make_strategy", "require_precision"]


def make_strategy(devices="1", *, hosts=1):
    """Choose the distribution strategy, the same object for the same devices.

    A process should have one strategy over its devices: TensorFlow numbers the exchanges of each
    strategy from the same start, so those of a second one are mistaken for those of the first.

    GPUs are used where there are any. Without a GPU a number above 1 splits the processor into
    as many logical devices, which gains no time and shows what several devices would do.

    Args:
        devices: `"all"`, a number of devices, or GPUs by their own numbers with commas, `"0,2"`,
            or `"2,"` for one alone. GPUs that are not among them are not touched. In a process
            that sees no others than its share of them, as of `machine.share`: all that it sees.
        hosts: How many hosts `TF_CONFIG` names. The devices are those of each.

    Returns:
        TensorFlow's default strategy for one device, a `MirroredStrategy` for several, a
        `MultiWorkerMirroredStrategy` for several hosts. A `TPUStrategy` is not made here and has
        not been tried; nothing in a step or in `multi_host.fit` stands against one.

    Raises:
        ValueError: If there are no such GPUs, or TensorFlow has been set up with other devices
            in this process already.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if machine.are_dealt(devices):
        devices = "all"
    if "," in devices:
        count = _show_only(devices, gpus)
    else:
        count = max(1, len(gpus)) if devices == "all" else int(devices)
    if gpus and count > len(gpus):
        raise _no_such_devices(devices, gpus)
    if hosts > 1:
        return _span_hosts(devices, count, gpus)
    if count == 1:
        return tf.distribute.get_strategy()
    if not gpus:
        _split_processor(count)
    return _mirror("GPU" if gpus else "CPU", count)


def _show_only(devices, gpus):
    """Hide all GPUs but those that are named; they are counted from 0 then. How many there are."""
    numbers = sorted({int(number) for number in devices.split(",") if number})
    if not gpus or numbers[-1] >= len(gpus):
        raise _no_such_devices(devices, gpus)
    _show([gpus[number] for number in numbers], devices)
    return len(numbers)


def _show(gpus, devices):
    try:
        tf.config.set_visible_devices(gpus, "GPU")
    except RuntimeError:
        raise ValueError(
            f"Cannot choose the GPUs {devices}. Expected it before TensorFlow's first operation. "
            "Call make_strategy first in the process."
        ) from None


def _no_such_devices(devices, gpus):
    there = f"no more than the {len(gpus)} GPUs here"
    if "," in devices:
        there = f"GPUs from 0 to {len(gpus) - 1}" if gpus else "a number, because there is no GPU"
    return ValueError(f"Invalid value for devices. Expected {there}. Received: {devices}.")


def _span_hosts(devices, count, gpus):
    if not gpus and count > 1:
        raise ValueError(
            "Invalid value for devices. Expected 1 or all, because there is no GPU and the "
            f"processor of each of several hosts is one device. Received: {devices}."
        )
    if "," not in devices and count < len(gpus):
        _show(gpus[:count], devices)
    return _join_hosts()


@functools.cache
def _join_hosts():
    return tf.distribute.MultiWorkerMirroredStrategy()


@functools.cache
def _mirror(kind, count):
    return tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(count)])


def _split_processor(count):
    processor = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(processor) or ()) >= count:
        return
    try:
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * count
        )
    except RuntimeError:
        raise ValueError(
            f"Cannot split the processor into {count} devices. Expected it before TensorFlow's "
            "first operation. Call make_strategy first in the process."
        ) from None


def require_precision(precision):
    """Refuse a precision that this machine computes too slowly to be of use.

    Args:
        precision: A Keras dtype policy's name.

    Raises:
        ValueError: For `mixed_float16` without a GPU, which takes about a hundred times as long
            as float32.
    """
    if precision == "mixed_float16" and not tf.config.list_physical_devices("GPU"):
        raise ValueError(
            "Invalid value for precision. Expected float32 or mixed_bfloat16, because there is no "
            "GPU and processors are about a hundred times slower in float16. "
            "Received: mixed_float16."
        )
