"""The digits of scikit-learn: 1797 real scans of 8 x 8 pixels, which need no download."""

import numpy as np
from sklearn import datasets

from kd_keras.data import holdout, splits

__all__ = ["load_digits"]

_MAX_VALUE = 16  # of a pixel as scikit-learn has it
_NUM_CLASSES = 10
_TEST_FRACTION = 0.2
_TEST_SEED = (1797,)  # fixed, so that the test split is the same for everybody


def load_digits():
    """Handwritten digits, grey, with a fixed stratified test split of a fifth.

    Returns:
        `Splits` of 1438 training and 359 test images of shape (8, 8, 1).

    Example:
        >>> splits = load_digits()
        >>> len(splits.train), len(splits.test), splits.image_shape
        (1438, 359, (8, 8, 1))

    Reference:
        Alpaydin, Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
        Repository, 1998.
    """
    source = datasets.load_digits()
    images = np.round(source.images * (255 / _MAX_VALUE)).astype(np.uint8)[..., np.newaxis]
    whole = splits.Split.from_arrays(images, source.target)
    train, test = holdout.split_off(
        whole.labels,
        round(_TEST_FRACTION * len(whole)),
        num_classes=_NUM_CLASSES,
        seed=_TEST_SEED,
    )
    return splits.Splits(
        name="digits",
        train=whole.select(train),
        validation=whole.select([]),
        test=whole.select(test),
        class_names=tuple(map(str, range(_NUM_CLASSES))),
        flip_keeps_label=False,
    )
