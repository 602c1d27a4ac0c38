"""What is held out of the training images: test, validation, and all above a number.

Every draw is stratified: each class gives its share, and keeps at least one image for training.
"""

import dataclasses

import numpy as np

__all__ = ["divide", "split_off"]

# One stream of random numbers for each purpose: the validation split of a dataset must not change
# when its training images are limited.
_TEST, _VALIDATION, _LIMIT = range(3)


def _apportion(sizes, total):
    """Share a total out in proportion to sizes, each share a whole number below its size.

    The total leaves one of each size, so that a share that is rounded down is below its size.
    """
    quotas = total * sizes / sizes.sum()
    shares = np.floor(quotas).astype(np.int64)
    while shares.sum() < total:
        lacking = np.where(shares < sizes - 1, quotas - shares, -np.inf)
        shares[np.argmax(lacking)] += 1
    return shares


def split_off(labels, count, *, num_classes, seed):
    """Draw a stratified sample that leaves every class at least one example.

    Args:
        labels: Indices of classes, shape (n,). Every class comes at least once.
        count: How many to draw, at most n - num_classes.
        num_classes: How many classes there are.
        seed: Sequence of whole numbers.

    Returns:
        The indices that remain and the indices drawn, each ascending.

    Example:
        >>> remaining, drawn = split_off(np.array([0, 0, 1, 1]), 2, num_classes=2, seed=[0])
        >>> np.array([0, 0, 1, 1])[drawn]
        array([0, 1])
    """
    sizes = np.bincount(labels, minlength=num_classes)
    members_by_class = np.split(np.argsort(labels, kind="stable"), np.cumsum(sizes)[:-1])
    # The stream of RandomState never changes from one NumPy to the next, that of Generator may.
    random = np.random.RandomState(seed)
    is_drawn = np.zeros(len(labels), bool)
    for members, share in zip(members_by_class, _apportion(sizes, count), strict=True):
        is_drawn[random.permutation(members)[len(members) - share :]] = True
    return np.flatnonzero(~is_drawn), np.flatnonzero(is_drawn)


def _check_classes(splits):
    sizes = np.bincount(splits.train.labels, minlength=splits.num_classes)
    missing = [splits.class_names[label] for label in np.flatnonzero(sizes == 0)]
    if missing:
        raise ValueError(
            f"Classes without training images in {splits.name}. Expected at least one image of "
            f"each of the {splits.num_classes} classes. Received: none of {', '.join(missing)}."
        )


def _hold_out(splits, fraction, *, purpose, split_seed):
    """Cut a fraction off train; return what remains of it and what was held out."""
    train, num_classes = splits.train, splits.num_classes
    if fraction == 0:
        return train, train.select([])
    count = max(1, round(fraction * len(train)))
    available = len(train) - num_classes
    if not 0 < fraction < 1 or count > available:
        name = {_TEST: "test_fraction", _VALIDATION: "validation_fraction"}[purpose]
        raise ValueError(
            f"Invalid value for {name}. Expected a fraction from 0 to below 1 that leaves one "
            f"training image in each of the {num_classes} classes: of {len(train)} images, at most "
            f"{available} can be held out. Received: {fraction}."
        )
    remaining, drawn = split_off(
        train.labels, count, num_classes=num_classes, seed=[split_seed, purpose]
    )
    return train.select(remaining), train.select(drawn)


def _hold_out_test(splits, test_fraction, split_seed):
    if len(splits.test):
        return splits
    train, test = _hold_out(splits, test_fraction, purpose=_TEST, split_seed=split_seed)
    if len(test):
        held_out = f"{len(test)} of {len(splits.train)} training images are"
    else:
        held_out = "test_fraction is 0, so nothing is"
    note = f"No test split: {held_out} held out as test."
    return dataclasses.replace(splits, train=train, test=test, notes=(*splits.notes, note))


def _hold_out_validation(splits, validation_fraction, split_seed):
    if len(splits.validation):
        note = (
            f"The dataset has a validation split of its own of {len(splits.validation)} images: "
            "validation_fraction is not used."
        )
        return dataclasses.replace(splits, notes=(*splits.notes, note))
    train, validation = _hold_out(
        splits, validation_fraction, purpose=_VALIDATION, split_seed=split_seed
    )
    return dataclasses.replace(splits, train=train, validation=validation)


def _limit_train(splits, max_train_examples, split_seed):
    train, num_classes = splits.train, splits.num_classes
    if not 0 < max_train_examples < len(train):
        return splits
    if max_train_examples < num_classes:
        raise ValueError(
            "Invalid value for max_train_examples. Expected 0 for all, or at least one image for "
            f"each of the {num_classes} classes. Received: {max_train_examples}."
        )
    kept, _ = split_off(
        train.labels,
        len(train) - max_train_examples,
        num_classes=num_classes,
        seed=[split_seed, _LIMIT],
    )
    return dataclasses.replace(splits, train=train.select(kept))


def divide(splits, *, validation_fraction, test_fraction, split_seed, max_train_examples):
    """Give a source's splits the validation and the test split that they lack.

    Test is drawn first, then validation from what remains, then train is limited; a split that
    the source has is left as it is.

    Args:
        splits: `Splits` as the source has them.
        validation_fraction: Of the training images that remain after test; 0: none.
        test_fraction: Of the training images; 0: none.
        split_seed: Of all three draws.
        max_train_examples: Limit of the training images; 0: none.

    Returns:
        `Splits` over the same images, with a note for every decision that a user should know.

    Raises:
        ValueError: If a class would keep no training image.
    """
    _check_classes(splits)
    splits = _hold_out_test(splits, test_fraction, split_seed)
    splits = _hold_out_validation(splits, validation_fraction, split_seed)
    return _limit_train(splits, max_train_examples, split_seed)
