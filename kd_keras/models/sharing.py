"""Convolutions that two networks have in common: the same kernels, everything else apart."""

import keras

from kd_keras import registry
from kd_keras.models import graphs

__all__ = ["share_convolutions"]


def share_convolutions(light, booster, how):
    """Give a network the kernels of another's convolutions, so that training one trains both.

    A convolution is shared with the one of the same name, and every convolution of the light
    network is shared. Batch normalisation, with its statistics, and the linear layer stay its own.

    Args:
        light: A functional `keras.Model`.
        booster: Likewise, larger.
        how: "bottom": the light network's convolutions are the booster's first ones, as of a
            `wide_resnet` of the same depth and width and with fewer groups. "interval": they are
            the first ones of each of the booster's groups, as of a shallower network of its kind.

    Returns:
        The light network with the booster's kernels: a functional model, of its other layers.

    Raises:
        TypeError: If a model is not functional.
        ValueError: If the two are not made for each other.

    Example:
        >>> from kd_keras import models
        >>> light, booster = (
        ...     models.get("plain_cnn", image_shape=(8, 8, 3), num_classes=4, depth=depth)
        ...     for depth in (5, 8)
        ... )
        >>> light = share_convolutions(light, booster, "interval")
        >>> light.get_layer("stem").kernel is booster.get_layer("stem").kernel
        True

    Reference:
        Zhou, Fan, Cui, Bian, Zhu, Gai, "Rocket Launching: A Universal and Efficient Framework for
        Training Well-performing Light Net", 2018; its code for what is shared.
    """
    if how not in _REQUIREMENTS:
        raise registry.unknown_name("share", _REQUIREMENTS, how)
    for model in (light, booster):
        graphs.require_one_output(model)
    own, others = _convolutions(light), _convolutions(booster)
    for name, layer in own.items():
        _require_alike(layer, others.get(name), booster)
    _REQUIREMENTS[how](light, booster, list(own), list(others))

    def replace(layer):
        shared = own.get(layer.name) is layer
        return _with_kernel_of(others[layer.name], layer) if shared else layer

    return graphs.rebuild(light, layer=replace)


def _convolutions(model):
    return {layer.name: layer for layer in model.layers if type(layer) is keras.layers.Conv2D}


def _require_alike(layer, other, booster):
    if other is None or _form(layer) != _form(other):
        found = "none of that name" if other is None else _form(other)
        raise ValueError(
            f"The convolution {layer.name} cannot be shared. Expected one of the same name and "
            f"form in {booster.name}, {_form(layer)}. Received: {found}. Take two networks of one "
            "kind and width."
        )


def _form(layer):
    kernel, stride = "x".join(map(str, layer.kernel.shape)), layer.strides[0]
    return f"kernel {kernel}, stride {stride}{', bias' * layer.use_bias}"


def _require_first(light, booster, names, others):
    if names != others[: len(names)]:
        extra = next(a for a, b in zip(names, others, strict=False) if a != b)
        raise ValueError(
            f"{light.name} is not the bottom of {booster.name}. Expected the same convolutions up "
            f"to some depth, as of a wide_resnet of the same depth and width with the option "
            f"groups=2. Received: {extra} in the place of {others[names.index(extra)]}."
        )


def _require_every_group(light, booster, names, others):
    missing = sorted(_groups(others) - _groups(names))
    if missing:
        raise ValueError(
            f"{light.name} has not the groups of {booster.name}. Expected convolutions in each. "
            f"Received: none in {', '.join(missing)}. Share the bottom, or take a shallower "
            "network with all groups."
        )


def _groups(names):
    return {name.partition("_")[0] for name in names}


def _with_kernel_of(source, layer):
    twin = keras.layers.Conv2D.from_config(layer.get_config())
    # They are assigned before the layer counts as built, which tracks them.
    twin._kernel = source.kernel
    if layer.use_bias:
        twin.bias = source.bias
    twin.built = True
    return twin


_REQUIREMENTS = {"bottom": _require_first, "interval": _require_every_group}
