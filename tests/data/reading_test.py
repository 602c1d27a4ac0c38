import numpy as np
import pytest
import tensorflow as tf

from kd_keras import data
from kd_keras.data import reading


def make_images():
    return np.random.RandomState(0).randint(0, 256, size=(9, 5, 6, 2)).astype(np.uint8)


@pytest.mark.parametrize("where", ["in memory", "mapped"])
def test_images_are_read_by_their_number_in_the_split(tmp_path, where):
    images = make_images()
    if where == "mapped":
        np.save(tmp_path / "images.npy", images)
        images = np.load(tmp_path / "images.npy", mmap_mode="r")
    split = data.Split.from_arrays(images, np.zeros(9)).select([7, 2, 4])
    read = tf.function(reading.image_reader(split))
    received = read(tf.constant([2, 0], tf.int64))
    assert received.shape == (2, 5, 6, 2)
    np.testing.assert_array_equal(received, make_images()[[4, 7]])


def test_mapped_images_are_gathered_without_the_accounts_of_a_memmap(tmp_path, monkeypatch):
    np.save(tmp_path / "images.npy", make_images())
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    read = reading.image_reader(data.Split.from_arrays(images, np.zeros(9)))
    gathered = []
    monkeypatch.setattr(np.memmap, "__getitem__", lambda *_: gathered.append(1))
    np.testing.assert_array_equal(read(tf.constant([5], tf.int64)), make_images()[[5]])
    assert not gathered


def test_images_in_memory_are_not_copied_into_the_graph():
    block = np.zeros([3000, 32, 32, 3], np.uint8)
    split = data.Split.from_arrays(block, np.zeros(3000))
    read = tf.function(reading.image_reader(split))
    graph = read.get_concrete_function(tf.TensorSpec([4], tf.int64)).graph
    assert len(graph.as_graph_def().SerializeToString()) < 10_000
    assert any(capture is split.block.tensor for capture, _ in graph.captures)


def test_what_is_put_on_the_host_stays_there():
    assert reading.on_host([1, 2]).device.endswith("CPU:0")


def test_no_iterator_waits_for_the_thread_that_tunes():
    def tunes(dataset):
        return dataset.options().autotune.enabled is not False

    dataset = tf.data.Dataset.range(3)
    assert tunes(dataset)
    assert not tunes(reading.untuned(dataset))
    assert not tunes(reading.finished(dataset))


def test_graphs_of_finished_datasets_are_not_rewritten():
    dataset = reading.finished(tf.data.Dataset.range(3))
    assert dataset.options().experimental_optimization.apply_default_optimizations is False
    assert [int(value) for value in dataset] == [0, 1, 2]
