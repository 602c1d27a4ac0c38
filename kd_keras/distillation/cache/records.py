"""How the logits of one image become bytes, and logits again."""

import numpy as np

__all__ = ["FullRecord", "TopKRecord", "make_record"]

_LARGEST = {"float16": 65504.0, "float32": float(np.finfo(np.float32).max)}


def make_record(num_classes, *, top_k=0, storage="float16"):
    """The record of an image.

    Args:
        num_classes: C.
        top_k: How many of the largest logits are kept; 0: all of them.
        storage: `"float16"` or `"float32"`.

    Returns:
        A `FullRecord` or a `TopKRecord`.

    Raises:
        ValueError: If there are not more classes than `top_k`.

    Example:
        >>> make_record(1000).size_bytes, make_record(1000, top_k=10).size_bytes
        (2000, 42)
    """
    if not top_k:
        return FullRecord(num_classes, storage)
    if top_k >= num_classes:
        raise ValueError(
            f"Invalid value for top_k. Expected less than the {num_classes} classes, or 0 for all "
            f"of them. Received: {top_k}. Set --signal_top_k."
        )
    return TopKRecord(num_classes, top_k, storage)


def _require_storable(logits, storage):
    if not np.isfinite(logits).all():
        raise ValueError(
            "The teacher gives logits that are not finite, which cannot be learnt from. "
            "Train it anew, with a lower learning rate or --clip_norm."
        )
    largest = float(np.abs(logits).max(initial=0.0))
    if largest > _LARGEST[storage]:
        raise ValueError(
            f"The teacher's logits do not fit in {storage}. Expected {_LARGEST[storage]:.0f} at "
            f"most. Received: {largest:.3g}. Set --signal_storage=float32."
        )


class FullRecord:
    """The logits of all classes.

    Args:
        num_classes: C.
        storage: `"float16"` or `"float32"`.

    Attributes:
        size_bytes: Of one record.
        words: What is kept, for people.
    """

    def __init__(self, num_classes, storage):
        self._storage = storage
        self._dtype = np.dtype(storage).newbyteorder("<")
        self.size_bytes = num_classes * self._dtype.itemsize
        self.words = f"{num_classes:,} classes, {storage}"

    def encode(self, logits):
        """Turn logits into bytes.

        Args:
            logits: float32, shape (n, classes).

        Returns:
            uint8, shape (n, size_bytes).

        Raises:
            ValueError: If a logit is not finite or does not fit.
        """
        _require_storable(logits, self._storage)
        return np.ascontiguousarray(logits, self._dtype).view(np.uint8)

    def decode(self, rows):
        """The inverse of `encode`, float32, but for rounding."""
        return np.ascontiguousarray(rows).view(self._dtype).astype(np.float32)

    def deviation(self, rows, logits):
        """How far records are from logits: the largest difference of each, shape (n,)."""
        return np.abs(self.decode(rows) - logits).max(axis=-1)


class TopKRecord:
    """The k largest logits, and one value that stands for each of the others.

    The record is the classes of the k largest logits z_c, these logits, and

        rest = logsumexp(the other logits) - log(C - k)

    It is decoded to z_c for the k classes and to `rest` for each of the other C - k. So the
    softmax at temperature 1 is exact for the k classes, and what probability remains is shared
    equally among the others. At another temperature it is an approximation.

    Args:
        num_classes: C.
        top_k: k, less than C.
        storage: `"float16"` or `"float32"`, of the logits and the rest.

    Attributes:
        size_bytes: Of one record.
        words: What is kept, for people.
    """

    def __init__(self, num_classes, top_k, storage):
        self._storage, self._num_classes, self._top_k = storage, num_classes, top_k
        number = np.dtype(storage).newbyteorder("<")
        index = np.min_scalar_type(num_classes - 1).newbyteorder("<")
        self._dtype = np.dtype(
            [("classes", index, (top_k,)), ("logits", number, (top_k,)), ("rest", number)]
        )
        self.size_bytes = self._dtype.itemsize
        self.words = f"top {top_k:,} of {num_classes:,} classes, {storage}"

    def encode(self, logits):
        """As `FullRecord.encode`."""
        _require_storable(logits, self._storage)
        classes = np.argpartition(-logits, self._top_k - 1, axis=-1)[:, : self._top_k]
        records = np.empty(len(logits), self._dtype)
        records["classes"] = classes
        records["logits"] = np.take_along_axis(logits, classes, axis=-1)
        records["rest"] = self._rest(logits, classes)
        return records.view(np.uint8).reshape(len(logits), self.size_bytes)

    def decode(self, rows):
        """As `FullRecord.decode`; see the class for what the other classes are given."""
        records = self._records(rows)
        rest = records["rest"].astype(np.float32)
        logits = np.repeat(rest[:, np.newaxis], self._num_classes, axis=-1)
        classes = records["classes"].astype(np.int64)
        np.put_along_axis(logits, classes, records["logits"].astype(np.float32), axis=-1)
        return logits

    def deviation(self, rows, logits):
        """As `FullRecord.deviation`, over the classes that a record names and its rest.

        Which of two nearly equal logits is the k-th is left to chance, so that decoded records
        cannot be compared.
        """
        records = self._records(rows)
        classes = records["classes"].astype(np.int64)
        kept = np.take_along_axis(logits, classes, axis=-1) - records["logits"]
        rest = self._rest(logits, classes) - records["rest"]
        return np.maximum(np.abs(kept).max(axis=-1), np.abs(rest))

    def _records(self, rows):
        return np.ascontiguousarray(rows).view(self._dtype)[:, 0]

    def _rest(self, logits, classes):
        others = np.array(logits, np.float32)
        np.put_along_axis(others, classes, -np.inf, axis=-1)
        largest = others.max(axis=-1)
        total = np.exp(others - largest[:, np.newaxis]).sum(axis=-1, dtype=np.float64)
        return largest + np.log(total / (self._num_classes - self._top_k))
