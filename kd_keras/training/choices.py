"""What a run computes in and whether XLA compiles it, where that is left to the machine."""

import dataclasses

import tensorflow as tf

from kd_keras import processor

__all__ = ["Choice", "choose_precision", "choose_xla"]

# By the first part of an NVIDIA GPU's compute capability, the best that it is quick in.
_FIRST_WITH_BFLOAT16 = 8
_FIRST_WITH_FLOAT16 = 7
_BFLOAT16_UNITS = {"amx_bf16": "AMX", "avx512_bf16": "AVX-512 BF16"}


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Attributes:
        value: What was chosen.
        reason: A clause that follows "because"; empty where the user chose.
    """

    value: str
    reason: str = ""


def choose_precision(requested="auto"):
    """The precision that this machine is quick in.

    A processor with units for bfloat16 takes `mixed_bfloat16`, any other `float32`. NVIDIA GPUs
    take `mixed_bfloat16` from compute capability 8.0 on (A100), `mixed_float16` with 7.x (V100,
    T4), `float32` before; of several GPUs the oldest counts. The processors' part is measured;
    that of GPUs is what their makers say and has not been tried.

    Args:
        requested: A Keras dtype policy's name, which is then the choice, or `"auto"`.

    Returns:
        A `Choice`.

    Example:
        >>> choose_precision("float32").value
        'float32'
    """
    if requested != "auto":
        return Choice(requested)
    gpus = tf.config.list_physical_devices("GPU")
    return _precision_of_gpus(gpus) if gpus else _precision_of_processor()


def choose_xla(requested="auto"):
    """Whether this machine is quicker with XLA: GPUs are, processors are not.

    On a processor XLA does not use the library of convolutions that TensorFlow uses otherwise.
    That GPUs gain is what their makers say and has not been tried.

    Args:
        requested: `"yes"` or `"no"`, which is then the choice, or `"auto"`.

    Returns:
        A `Choice` of `"yes"` or `"no"`.
    """
    if requested != "auto":
        return Choice(requested)
    if tf.config.list_physical_devices("GPU"):
        return Choice("yes", "there is a GPU")
    return Choice("no", "XLA's convolutions are slow on processors")


def _precision_of_processor():
    for capability, name in _BFLOAT16_UNITS.items():
        if capability in processor.capabilities():
            return Choice("mixed_bfloat16", f"this processor has {name}")
    return Choice("float32", "this processor has no units for bfloat16")


def _precision_of_gpus(gpus):
    details = map(tf.config.experimental.get_device_details, gpus)
    capability = min(detail.get("compute_capability", (0, 0)) for detail in details)
    generation = ".".join(map(str, capability))
    if capability[0] >= _FIRST_WITH_BFLOAT16:
        return Choice("mixed_bfloat16", f"the GPU has compute capability {generation}")
    if capability[0] >= _FIRST_WITH_FLOAT16:
        return Choice("mixed_float16", f"the GPU has compute capability {generation}")
    if capability == (0, 0):
        return Choice("float32", "the GPU does not tell what it is quick in")
    return Choice("float32", f"the GPU has compute capability {generation}")
