"""What is computed over all images of a split, a piece at a time: statistics and fingerprint."""

import hashlib

import numpy as np

__all__ = ["fingerprint", "pixel_statistics"]

_PIECE_BYTES = 2**23  # of images held at once, whatever the size of the split
_NUM_VALUES = 256  # that a uint8 can take


def _pieces(split):
    """Yield the images of a split in order, some megabytes at a time."""
    size = max(1, _PIECE_BYTES // int(np.prod(split.image_shape)))
    for start in range(0, len(split), size):
        yield split.images_at(np.arange(start, min(start + size, len(split))))


def _channel_histograms(split):
    """Count each pixel value in each channel: int64, shape (channels, 256)."""
    channels = split.image_shape[-1]
    counts = np.zeros([channels, _NUM_VALUES], np.int64)
    for images in _pieces(split):
        for channel in range(channels):
            values = images[..., channel].ravel()
            counts[channel] += np.bincount(values, minlength=_NUM_VALUES)
    return counts


def pixel_statistics(split):
    """Mean and standard deviation of each channel, exact whatever the number of images.

    mean = sum_v n_v v / sum_v n_v and deviation^2 = sum_v n_v (v - mean)^2 / sum_v n_v, where n_v
    is how often the value v comes in the channel.

    Args:
        split: A `Split` of at least one image.

    Returns:
        Mean and standard deviation, each a tuple of one float per channel, pixel values from 0 to
        255. A channel of one value has deviation 1.0, so that one can divide by it.

    Example:
        >>> from kd_keras.data import Split
        >>> pixel_statistics(Split.from_arrays(np.uint8([[[[0, 7]]], [[[4, 7]]]]), [0, 1]))
        ((2.0, 7.0), (2.0, 1.0))
    """
    counts = _channel_histograms(split)
    values = np.arange(_NUM_VALUES, dtype=np.float64)
    totals = counts.sum(axis=1)
    mean = counts @ values / totals
    variance = (counts * (values - mean[:, None]) ** 2).sum(axis=1) / totals
    deviation = np.where(variance > 0, np.sqrt(variance), 1.0)
    return tuple(mean.tolist()), tuple(deviation.tolist())


def fingerprint(splits, class_names):
    """SHA-256 over images, labels, their order, the borders of the splits and the class names.

    Args:
        splits: Of type `Split`, in a fixed order.
        class_names: One for each label.

    Returns:
        64 hexadecimal digits, the same on every machine.

    Example:
        >>> from kd_keras.data import Split
        >>> split = Split.from_arrays(np.zeros([2, 1, 1, 1], "uint8"), [0, 1])
        >>> len(fingerprint([split], ["cat", "dog"]))
        64
    """
    digest = hashlib.sha256(repr(tuple(class_names)).encode())
    for split in splits:
        digest.update(repr((len(split), split.image_shape)).encode())
        digest.update(split.labels.astype("<i4").tobytes())
        for images in _pieces(split):
            digest.update(images)
    return digest.hexdigest()
