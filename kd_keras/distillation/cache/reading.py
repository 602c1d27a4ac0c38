"""Reading an entry in training: its rows are mapped from disk and gathered a batch at a time."""

import numpy as np
import tensorflow as tf

from kd_keras.data import randomness, reading

__all__ = ["CachedSignal", "map_shards"]


def map_shards(entry, rows):
    """Map the first rows of an entry from disk.

    Args:
        entry: The `Entry`.
        rows: How many, all of them complete.

    Returns:
        One array for each shard, uint8, shape (rows of the shard, bytes of a record).
    """
    return [
        # As a plain array: `np.memmap` does its own accounts at every gather.
        np.asarray(
            np.memmap(
                entry.shard_path(shard), np.uint8, "r", shape=(count, entry.manifest.record_bytes)
            )
        )
        for shard, count in enumerate(entry.rows_by_shard(rows))
    ]


class CachedSignal:
    """A teacher's logits from disk, given to `data.training_batches` as its `extras`.

    Args:
        entry: The `Entry`, checked, with at least so many views.
        record: How a row is kept.
        views: How many views are used. They are those that `data.training_batches` shows with
            the same number of views and the same `view_seed`.
        is_plain: Whether the entry holds one view, the images as they are, for all epochs.
        seed: Of the choice among several samples, from 0 to 2^31 - 1.

    Attributes:
        views: As given.
    """

    def __init__(self, entry, record, *, views, is_plain=False, seed=0):
        self._entry, self._record = entry, record
        self.views, self._is_plain = views, is_plain
        self._shards = map_shards(entry, views * entry.rows_per_view)
        drawn = randomness.draw_integers(
            [entry.manifest.images], purpose=randomness.Purpose.SAMPLE, seed=seed, index=0
        )
        self._first_samples = reading.on_host(drawn.numpy().astype(np.int64))

    def __call__(self, indices, epoch, view):
        """The teacher's logits of some images.

        Of several samples an image starts with one that is drawn from the seed, and takes the
        next one whenever the view comes again.

        Args:
            indices: Rows of the training split, int64, shape (batch,).
            epoch: An int64 scalar.
            view: Index of the view that the images are shown in, an int64 scalar.

        Returns:
            `{"teacher_logits": ...}`, float32, shape (batch, classes).
        """
        manifest = self._entry.manifest
        view = tf.zeros_like(view) if self._is_plain else view
        samples = tf.gather(self._first_samples, indices) + epoch // self.views
        samples = tf.math.floormod(samples, manifest.samples)
        logits = tf.numpy_function(self._read, [indices, samples, view], tf.float32, stateful=False)
        logits.set_shape([*indices.shape, manifest.classes])
        return {"teacher_logits": logits}

    def _read(self, indices, samples, view):
        if not 0 <= view < self.views:
            raise IndexError(
                f"No logits of view {view}. Expected one of the {self.views} that are stored. "
                "Give data.training_batches as many views."
            )
        first = int(view) * self._entry.rows_per_view
        shard, row = self._entry.shard_of_row(first)
        rows = row + samples * self._entry.manifest.images + indices
        return self._record.decode(self._shards[shard][rows])
