"""Made images for tests: quick to learn, the same on every machine."""

import numpy as np

from kd_keras.data import splits

__all__ = ["load_synthetic"]

_SIDE = 8  # pixels
_CHANNELS = 3
_NUM_CLASSES = 4
_NUM_TRAIN = 256
_NUM_TEST = 64
_BLOCK = 4  # pixels of one colour on a side, so that a crop shifted by one still shows them
_NOISE = 40.0  # standard deviation, pixel values


def _make_split(patterns, count, random):
    labels = np.arange(count) % _NUM_CLASSES
    noise = random.normal(scale=_NOISE, size=(count, _SIDE, _SIDE, _CHANNELS))
    images = np.clip(np.round(patterns[labels] + noise), 0, 255).astype(np.uint8)
    return splits.Split.from_arrays(images, labels)


def load_synthetic():
    """Four classes, each a pattern of colours under noise.

    Returns:
        `Splits` of 256 training and 64 test images of shape (8, 8, 3).

    Example:
        >>> splits = load_synthetic()
        >>> len(splits.train), len(splits.test), splits.class_names
        (256, 64, ('pattern0', 'pattern1', 'pattern2', 'pattern3'))
    """
    random = np.random.RandomState(0)
    blocks = (_NUM_CLASSES, _SIDE // _BLOCK, _SIDE // _BLOCK, _CHANNELS)
    colours = random.uniform(0, 255, size=blocks)
    patterns = colours.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)
    train = _make_split(patterns, _NUM_TRAIN, random)
    return splits.Splits(
        name="synthetic",
        train=train,
        validation=train.select([]),
        test=_make_split(patterns, _NUM_TEST, random),
        class_names=tuple(f"pattern{label}" for label in range(_NUM_CLASSES)),
        flip_keeps_label=False,
    )
