import collections

import numpy as np
import pytest
import tensorflow as tf

from kd_keras import data
from kd_keras.distillation import cache
from kd_keras.distillation.cache import entry as entries
from kd_keras.distillation.cache.reading import map_shards
from tests.distillation.cache import asked


def read(signal, indices, *, epoch=0, view=0):
    @tf.function
    def ask(indices, epoch, view):
        return signal(indices, epoch, view)["teacher_logits"]

    return ask(*(tf.constant(value, tf.int64) for value in (indices, epoch, view))).numpy()


@pytest.fixture
def request_and_entry(tmp_path, monkeypatch):
    """Three views in two shards."""
    monkeypatch.setattr(entries, "_SHARD_BYTES", 2 * asked.IMAGES * 8)
    request = asked.make_request()
    return request, asked.build_entry(tmp_path, request)


def test_rows_are_found_by_view_and_image(request_and_entry):
    request, entry = request_and_entry
    signal = cache.CachedSignal(entry, request.record, views=3)
    for view in range(3):
        logits = read(signal, [22, 0, 7], epoch=view, view=view)
        assert logits.dtype == np.float32
        expected = asked.read_logits(entry, request, view)[[22, 0, 7]]
        np.testing.assert_array_equal(logits, expected)


def test_the_shape_is_known_in_the_graph(request_and_entry):
    request, entry = request_and_entry
    signal = cache.CachedSignal(entry, request.record, views=3)
    batches = data.training_batches(
        request.split,
        batch_size=4,
        augmentation=request.augmentation,
        seed=0,
        views=3,
        extras=signal,
    )
    features, _ = batches.element_spec
    assert features["teacher_logits"] == tf.TensorSpec([4, asked.CLASSES], tf.float32)


def test_files_are_mapped_and_not_read(request_and_entry):
    _, entry = request_and_entry
    shards = map_shards(entry, 50)
    assert [rows.shape for rows in shards] == [(46, 8), (4, 8)]
    assert all(isinstance(rows.base, np.memmap) for rows in shards)
    assert not any(rows.flags.writeable for rows in shards)


def test_fewer_views_than_there_are_may_be_used(request_and_entry):
    request, entry = request_and_entry
    signal = cache.CachedSignal(entry, request.record, views=1)
    np.testing.assert_array_equal(read(signal, range(23)), asked.read_logits(entry, request, 0))


def test_a_view_that_is_not_stored_is_no_other_view(request_and_entry):
    request, entry = request_and_entry
    signal = cache.CachedSignal(entry, request.record, views=2)
    with pytest.raises(
        tf.errors.OpError,
        match=r"No logits of view 2\. Expected one of the 2 that are stored\. Give "
        r"data\.training_batches as many views\.",
    ):
        read(signal, [0], epoch=2, view=2)


def test_plain_logits_serve_every_view(tmp_path):
    request = asked.make_request(augmentation=None)
    entry = asked.build_entry(tmp_path, request, views=1)
    signal = cache.CachedSignal(entry, request.record, views=1, is_plain=True)
    for epoch in (0, 5):
        np.testing.assert_allclose(
            read(signal, range(23), epoch=epoch, view=epoch),
            asked.expected_logits(request, 0),
            rtol=1e-3,
            atol=1e-3,
        )


@pytest.mark.parametrize("is_plain", [True, False])
def test_an_image_goes_through_its_samples_as_its_view_returns(tmp_path, is_plain):
    choices = {"augmentation": None} if is_plain else {}
    request = asked.make_random_request(**choices)
    views = 1 if is_plain else 2
    entry = asked.build_entry(tmp_path, request, views=views)
    stored = np.stack(
        [
            [asked.read_logits(entry, request, view, sample) for sample in range(3)]
            for view in range(views)
        ]
    )
    # Two samples whose masks happen to agree on what an image activates cannot be told apart.
    apart = [np.abs(stored - np.roll(stored, shift, axis=1)).max(axis=-1) for shift in (1, 2)]
    images = np.flatnonzero((np.stack(apart) > 0).all(axis=(0, 1, 2)))
    assert len(images) > 10
    signal = cache.CachedSignal(entry, request.record, views=views, is_plain=is_plain, seed=1)
    taken = []
    for epoch in range(4 * views):
        view = epoch % views
        logits = read(signal, images, epoch=epoch, view=view)
        differences = np.abs(stored[view][:, images] - logits).max(axis=-1)
        np.testing.assert_array_equal(differences.min(axis=0), 0)
        taken.append(differences.argmin(axis=0))
    taken = np.stack(taken)
    # Three visits of a view are three samples, the fourth is the first again.
    for visit in range(3):
        step = taken[(visit + 1) * views] - taken[visit * views]
        np.testing.assert_array_equal(step % 3, 1)
    assert len(collections.Counter(taken[0])) == 3


def test_the_choice_of_samples_follows_the_seed(tmp_path):
    request = asked.make_random_request()
    entry = asked.build_entry(tmp_path, request, views=1)
    signals = [cache.CachedSignal(entry, request.record, views=1, seed=s) for s in (0, 0, 1)]
    first, again, other = (read(signal, range(23)) for signal in signals)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
