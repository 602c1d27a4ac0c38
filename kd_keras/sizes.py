"""Which sizes a network comes in, known without building it or importing TensorFlow."""

__all__ = [
    "check",
    "mobile_net_repeats",
    "plain_cnn_convolutions",
    "res_next_blocks",
    "resnet_blocks",
    "vgg_convolutions",
    "wide_resnet_blocks",
]

_LISTED = 6  # depths in a sentence

_RESNETS_WITH_LARGE_STEM = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
_RES_NEXTS_WITH_LARGE_STEM = {26: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
_VGGS = {
    8: (1, 1, 1, 1, 1),
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


def wide_resnet_blocks(depth, stem="small"):
    """Residual blocks in each group of a WRN of that depth.

    Args:
        depth: 6n + 4; with a large stem 10, 18 or 34.
        stem: "small" or "large".

    Returns:
        A tuple, as of `resnet_blocks`.

    Raises:
        ValueError: If there is no such depth.

    Example:
        >>> wide_resnet_blocks(16), wide_resnet_blocks(18, "large")
        ((2, 2, 2), (2, 2, 2, 2))
    """
    if stem == "large":
        return _look_up(depth, _RESNETS_WITH_LARGE_STEM, " with stem=large")
    return (_solve(depth, 6, 4),) * 3


def resnet_blocks(depth, stem="small"):
    """Residual blocks in each group of a ResNet of basic blocks.

    Args:
        depth: 6n + 2; with a large stem 10, 18 or 34.
        stem: "small" or "large".

    Returns:
        A tuple: n three times, or the four numbers of the networks for large images.

    Raises:
        ValueError: If there is no such depth.

    Example:
        >>> resnet_blocks(20), resnet_blocks(18, "large")
        ((3, 3, 3), (2, 2, 2, 2))
    """
    if stem == "large":
        return _look_up(depth, _RESNETS_WITH_LARGE_STEM, " with stem=large")
    return (_solve(depth, 6, 2),) * 3


def res_next_blocks(depth, stem="small"):
    """Residual blocks in each group of a ResNeXt, three convolutions in a block.

    Args:
        depth: 9n + 2; with a large stem 26, 50 or 101.
        stem: "small" or "large".

    Returns:
        A tuple, as of `resnet_blocks`.

    Raises:
        ValueError: If there is no such depth.

    Example:
        >>> res_next_blocks(29), res_next_blocks(50, "large")
        ((3, 3, 3), (3, 4, 6, 3))
    """
    if stem == "large":
        return _look_up(depth, _RES_NEXTS_WITH_LARGE_STEM, " with stem=large")
    return (_solve(depth, 9, 2),) * 3


def plain_cnn_convolutions(depth):
    """Convolutions in each of the three groups of a plain network, or of a fused net's deep one.

    Args:
        depth: 3n + 2.

    Returns:
        n.

    Raises:
        ValueError: If the depth is not 3n + 2 with n of 1 or more.
    """
    return _solve(depth, 3, 2)


def vgg_convolutions(depth):
    """Convolutions in each of the five groups of a VGG.

    Args:
        depth: 8, 11, 13, 16 or 19.

    Returns:
        A tuple of five numbers.

    Raises:
        ValueError: If there is no such depth.

    Example:
        >>> vgg_convolutions(16)
        (2, 2, 3, 3, 3)
    """
    return _look_up(depth, _VGGS)


def mobile_net_repeats(depth):
    """Blocks that a MobileNet repeats at its 512 channels.

    Args:
        depth: 2n + 18: 28 as published, 18 for its shallow form.

    Returns:
        n.

    Raises:
        ValueError: If the depth is not 2n + 18 with n of 0 or more.
    """
    return _solve(depth, 2, 18, lowest=0)


def _solve(depth, step, rest, *, lowest=1):
    """The n of depth = step * n + rest."""
    count, remainder = divmod(depth - rest, step)
    if remainder == 0 and count >= lowest:
        return count
    first, below = step * lowest + rest, step * count + rest
    examples = ", ".join(str(first + step * i) for i in range(_LISTED))
    nearest = str(first) if depth < first else f"{below} and {below + step}"
    raise ValueError(
        f"Invalid value for depth. Expected {step}n + {rest} ({examples}, ...). "
        f"Received: {depth}. The nearest: {nearest}."
    )


def _look_up(depth, table, where=""):
    if depth not in table:
        *others, last = map(str, table)
        raise ValueError(
            f"Invalid value for depth. Expected {', '.join(others)} or {last}{where}. "
            f"Received: {depth}."
        )
    return table[depth]


_DEPTH_RULES = {
    "deeply_fused": plain_cnn_convolutions,
    "mobile_net": mobile_net_repeats,
    "plain_cnn": plain_cnn_convolutions,
    "vgg": vgg_convolutions,
}
_DEPTH_AND_STEM_RULES = {
    "res_next": res_next_blocks,
    "resnet": resnet_blocks,
    "wide_resnet": wide_resnet_blocks,
}


def check(network, depth, options=()):
    """Refuse a depth that the network does not come in.

    Args:
        network: Name of a network. One without a rule takes any depth.
        depth: Layers.
        options: Texts "ARGUMENT=VALUE" of the network's other arguments.

    Raises:
        ValueError: If there is no network of that depth.
    """
    if network in _DEPTH_RULES:
        _DEPTH_RULES[network](depth)
    if network in _DEPTH_AND_STEM_RULES:
        stem = "large" if "stem=large" in options else "small"
        _DEPTH_AND_STEM_RULES[network](depth, stem)
