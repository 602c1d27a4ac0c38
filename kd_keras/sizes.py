"""Which sizes a network comes in, known without building it or importing TensorFlow."""

__all__ = ["check", "wide_resnet_blocks"]


def wide_resnet_blocks(depth):
    """Residual blocks in each of the three groups of a WRN of that depth.

    Args:
        depth: 6n + 4.

    Returns:
        n.

    Raises:
        ValueError: If the depth is not 6n + 4 with n of 1 or more.

    Example:
        >>> wide_resnet_blocks(16)
        2
    """
    blocks, remainder = divmod(depth - 4, 6)
    if remainder == 0 and blocks >= 1:
        return blocks
    below = 6 * blocks + 4
    nearest = "10" if depth < 10 else f"{below} and {below + 6}"
    raise ValueError(
        "Invalid value for depth. Expected 6n + 4 (10, 16, 22, 28, 34, 40, ...). "
        f"Received: {depth}. The nearest: {nearest}."
    )


_DEPTH_RULES = {"wide_resnet": wide_resnet_blocks}


def check(network, depth):
    """Refuse a depth that the network does not come in.

    Args:
        network: Name of a network. One without a rule takes any depth.
        depth: Layers.

    Raises:
        ValueError: If there is no network of that depth.
    """
    if network in _DEPTH_RULES:
        _DEPTH_RULES[network](depth)
