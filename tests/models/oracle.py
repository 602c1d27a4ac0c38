"""Layers in NumPy, float64, and networks with weights that show; for tests of the networks."""

import numpy as np

__all__ = [
    "convolve",
    "convolve_channels",
    "draw_images",
    "normalize",
    "pool_largest",
    "randomize",
    "rectify",
    "weights_of",
]


def draw_images(side=8, channels=2):
    generator = np.random.default_rng(0)
    return generator.normal(size=(3, side, side, channels)).astype(np.float32)


def randomize(network):
    """Give every weight, and the statistics of batch normalisation, a value that shows."""
    generator = np.random.default_rng(1)
    for variable in network.weights:
        if variable.path.endswith(("gamma", "variance")):
            value = generator.uniform(0.5, 1.5, variable.shape)
        elif variable.path.endswith("kernel"):
            deviation = np.prod(variable.shape[:-1]) ** -0.5
            value = generator.normal(scale=2 * deviation, size=variable.shape)
        else:
            value = generator.uniform(-0.5, 0.5, variable.shape)
        variable.assign(value)
    return network


def weights_of(network, name):
    return [w.astype(np.float64) for w in network.get_layer(name).get_weights()]


def _neighbours(x, size, stride, fill=0.0):
    """The pixels of every window, an axis in front of the channels."""
    margin = size // 2
    padded = np.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)], constant_values=fill)
    side = (x.shape[1] - 1) // stride + 1
    shifts = [(i, j) for i in range(size) for j in range(size)]
    windows = [padded[:, i::stride, j::stride][:, :side, :side] for i, j in shifts]
    return np.stack(windows, axis=-2)


def convolve(x, kernel, stride=1):
    size = kernel.shape[0]
    windows = _neighbours(x, size, stride)
    return np.einsum("bhwkc,kcf->bhwf", windows, kernel.reshape(size * size, *kernel.shape[2:]))


def convolve_channels(x, kernel, stride=1):
    windows = _neighbours(x, kernel.shape[0], stride)
    return np.einsum("bhwkc,kc->bhwc", windows, kernel.reshape(-1, kernel.shape[2]))


def pool_largest(x):
    """Of 3x3 pixels, every second one."""
    return _neighbours(x, 3, 2, fill=-np.inf).max(axis=-2)


def normalize(x, weights):
    scale, offset, mean, variance = weights
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + offset


def rectify(x):
    return np.maximum(x, 0)
