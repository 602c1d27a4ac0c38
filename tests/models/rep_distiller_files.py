"""Checkpoints of RepDistiller's wide residual networks, drawn and written without PyTorch."""

import collections

import numpy as np

from tests.models import torch_saving

__all__ = ["CLASSES", "write_weights"]

CLASSES = 5


def write_weights(path, *, blocks=1, width=1, change=None, **more):
    """A checkpoint of RepDistiller's `wrn`, its arrays drawn in the order of its `state_dict`."""
    generator, arrays = np.random.default_rng(0), collections.OrderedDict()

    def add_convolution(name, outputs, inputs, size=3):
        deviation = (inputs * size * size) ** -0.5
        shape = (outputs, inputs, size, size)
        arrays[f"{name}.weight"] = generator.normal(scale=2 * deviation, size=shape)

    def add_normalization(name, channels):
        for part, low, high in (
            ("weight", 0.5, 1.5),
            ("bias", -0.5, 0.5),
            ("running_mean", -0.5, 0.5),
            ("running_var", 0.5, 1.5),
        ):
            arrays[f"{name}.{part}"] = generator.uniform(low, high, channels)
        arrays[f"{name}.num_batches_tracked"] = np.array(9)

    add_convolution("conv1", 16, 3)
    channels = 16
    for group in (1, 2, 3):
        outputs = 16 * 2 ** (group - 1) * width
        for block in range(blocks):
            name = f"block{group}.layer.{block}"
            add_normalization(f"{name}.bn1", channels)
            add_convolution(f"{name}.conv1", outputs, channels)
            add_normalization(f"{name}.bn2", outputs)
            add_convolution(f"{name}.conv2", outputs, outputs)
            if channels != outputs:
                add_convolution(f"{name}.convShortcut", outputs, channels, size=1)
            channels = outputs
    add_normalization("bn1", channels)
    arrays["fc.weight"] = generator.normal(size=(CLASSES, channels))
    arrays["fc.bias"] = generator.normal(size=CLASSES)
    weights = collections.OrderedDict(
        (name, np.asarray(array, array.dtype if array.dtype == int else np.float32))
        for name, array in arrays.items()
    )
    if change is not None:
        change(weights)
    torch_saving.save_zip({"epoch": 240, "model": weights, **more}, path)
    return weights
