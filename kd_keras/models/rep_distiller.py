"""Wide residual networks out of RepDistiller's files, whose teachers are public.

How such a file is read is in `torch_files`.
"""

import re

import numpy as np

from kd_keras.models.torch_files import read_torch_file
from kd_keras.models.wide_resnet import wide_resnet

__all__ = ["read_rep_distiller"]

_IMAGE_SHAPE = (32, 32, 3)
# Of its loader of CIFAR-100, for pixels from 0 to 1.
_MEAN = (0.5071, 0.4867, 0.4408)
_STANDARD_DEVIATION = (0.2675, 0.2565, 0.2761)
_BLOCK = re.compile(r"block1\.layer\.(\d+)\.conv1\.weight")
_NORMALIZATION = ("weight", "bias", "running_mean", "running_var")


def read_rep_distiller(path):
    """Build a wide residual network with the weights of a `.pth` file of RepDistiller.

    Depth, width and classes are read from the weights. The network takes pixels from 0 to 255 and
    standardises them as that project's loader of CIFAR-100 does.

    Args:
        path: A file with a dictionary that has the weights under `model`, or the weights alone.

    Returns:
        A `wide_resnet` without dropout.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or holds another network.

    Reference:
        Tian, Krishnan, Isola, "Contrastive Representation Distillation", 2020: its code,
        `models/wrn.py` and `dataset/cifar100.py`.
    """
    weights = _find_weights(path)
    blocks = sum(1 for name in weights if _BLOCK.fullmatch(name))
    try:
        network = wide_resnet(
            _IMAGE_SHAPE,
            len(weights["fc.bias"]),
            depth=6 * blocks + 4,
            width=len(weights["block1.layer.0.conv1.weight"]) // 16,
            dropout=0.0,
            mean=[255 * value for value in _MEAN],
            standard_deviation=[255 * value for value in _STANDARD_DEVIATION],
        )
    except (KeyError, ValueError):
        raise _another_network(path, weights) from None
    names = _names(network, blocks)
    unknown = set(weights) - {name for own in names.values() for name in own}
    unknown = {name for name in unknown if not name.endswith("num_batches_tracked")}
    for layer, own in names.items():
        if unknown or not set(own) <= set(weights):
            raise _another_network(path, weights)
        arrays = [_to_keras(weights[name]) for name in own]
        current = network.get_layer(layer).get_weights()
        if [array.shape for array in arrays] != [array.shape for array in current]:
            raise _another_network(path, weights)
        network.get_layer(layer).set_weights(arrays)
    return network


def _find_weights(path):
    saved = read_torch_file(path)
    if isinstance(saved, dict) and isinstance(saved.get("model"), dict):
        saved = saved["model"]
    if not isinstance(saved, dict):
        raise _another_network(path, ())
    arrays = {k: v for k, v in saved.items() if isinstance(k, str) and isinstance(v, np.ndarray)}
    return {name.removeprefix("module."): array for name, array in arrays.items()}


def _names(network, blocks):
    """The names of the file's arrays by the layer's name, in the order of its weights."""
    names = {
        "stem": ["conv1.weight"],
        "head_normalization": [f"bn1.{part}" for part in _NORMALIZATION],
        "logits": ["fc.weight", "fc.bias"],
    }
    layers = {layer.name for layer in network.layers}
    for group in (1, 2, 3):
        for block in range(blocks):
            ours, theirs = f"group{group}_block{block + 1}", f"block{group}.layer.{block}"
            for number in (1, 2):
                names[f"{ours}_convolution{number}"] = [f"{theirs}.conv{number}.weight"]
                names[f"{ours}_normalization{number}"] = [
                    f"{theirs}.bn{number}.{part}" for part in _NORMALIZATION
                ]
            if f"{ours}_shortcut" in layers:
                names[f"{ours}_shortcut"] = [f"{theirs}.convShortcut.weight"]
    return names


def _to_keras(array):
    """Kernels with the outputs last, as Keras has them."""
    array = np.asarray(array, np.float32)
    order = {4: (2, 3, 1, 0), 2: (1, 0)}.get(array.ndim)
    return array if order is None else array.transpose(order)


def _another_network(path, weights):
    received = ", ".join(sorted(weights)[:4]) or "no weights"
    return ValueError(
        f"{path} holds another network. Expected the weights of a WRN of RepDistiller, named "
        f"conv1.weight, block1.layer.0.bn1.weight, ..., fc.bias. Received: {received}"
        f"{', ...' if len(weights) > 4 else ''}."
    )
