import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses
from kd_keras.losses import taps


class _Distance(losses.TapLoss):
    adapts_channels = True
    equalizes_sizes = True

    def __init__(self, taps=("a", "b"), teacher_taps=(), *, name=None):
        super().__init__(taps, teacher_taps, name=name)

    def compare(self, teacher, student):
        return tf.reduce_sum(taps.flatten(tf.abs(teacher - student)), axis=-1)


_SHAPES = {"a": [None, 4, 4, 2], "b": [None, 3], "logits": [None, 5]}


def test_the_pairs_are_summed_and_the_teacher_is_a_constant():
    teacher = {"a": tf.ones([2, 4, 4, 2], tf.float16), "b": tf.ones([2, 3])}
    student = {"a": tf.zeros([2, 4, 4, 2]), "b": tf.zeros([2, 3])}
    with tf.GradientTape() as tape:
        tape.watch([teacher, student])
        value = _Distance().per_example(teacher, student)
    np.testing.assert_array_equal(value, [35.0, 35.0])
    gradients = tape.gradient(value, [teacher, student])
    assert gradients[0] == {"a": None, "b": None}
    np.testing.assert_array_equal(gradients[1]["b"], -1.0)


def test_adapters_are_made_where_channels_differ_and_are_restored_by_shape():
    loss = _Distance()
    assert not loss.built
    loss.connect(_SHAPES, {**_SHAPES, "b": [None, 7]})
    assert loss.built
    assert list(loss.adapters) == ["b"]
    assert [tuple(v.shape) for v in loss.trainable_variables] == [(7, 3)]
    again = _Distance()
    again.build_from_config(loss.get_build_config())
    assert [tuple(v.shape) for v in again.trainable_variables] == [(7, 3)]
    loss.connect(_SHAPES, {**_SHAPES, "b": [None, 7]})
    assert len(loss.trainable_variables) == 1


def test_other_networks_are_refused():
    loss = _Distance()
    loss.connect(_SHAPES, _SHAPES)
    with pytest.raises(ValueError, match=r"belongs to other networks.*Make a new loss for them\."):
        loss.connect(_SHAPES, {**_SHAPES, "b": [None, 7]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"taps": ()}, r"taps\. Expected a list of names of layers, each once\. Received: \(\)"),
        ({"taps": "pooled"}, r"Expected a list of names.*Received: pooled\."),
        ({"taps": ("a", "a")}, "each once"),
        ({"teacher_taps": ("x",)}, r"teacher_taps\. Expected 2 names, as many as taps, or none\."),
    ],
)
def test_names_that_do_not_pair_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        _Distance(**arguments)


def test_shapes_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match=r"disagree on the shape of a.*two maps or two vectors"):
        _Distance().connect(_SHAPES, {**_SHAPES, "a": [None, 3]})
    with pytest.raises(ValueError, match=r"layers of a known shape.*input of a fixed size"):
        _Distance().connect(_SHAPES, {**_SHAPES, "a": [None, None, None, 2]})


def test_a_loss_without_compare_says_what_to_write():
    class Unfinished(losses.TapLoss):
        pass

    ones = {"a": tf.ones([1, 2])}
    with pytest.raises(NotImplementedError, match=r"Unfinished does not say what it compares"):
        Unfinished(("a",)).per_example(ones, ones)


@pytest.mark.parametrize("smaller", [1, 2, 3, 4, 5])
def test_average_pool_is_the_mean_of_pytorchs_windows(smaller):
    maps = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    found = taps.average_pool(tf.constant(maps), smaller, min(smaller, 4))
    for i in range(smaller):
        top, bottom = int(np.floor(i * 5 / smaller)), int(np.ceil((i + 1) * 5 / smaller))
        for j in range(min(smaller, 4)):
            width = min(smaller, 4)
            left, right = int(np.floor(j * 4 / width)), int(np.ceil((j + 1) * 4 / width))
            expected = maps[:, top:bottom, left:right].mean(axis=(1, 2))
            np.testing.assert_allclose(found[:, i, j], expected, atol=1e-6)


def test_maps_come_to_the_smaller_size_of_each_side():
    first, second = taps.same_size(tf.ones([1, 6, 2, 1]), tf.ones([1, 3, 4, 2]))
    assert (first.shape, second.shape) == ((1, 3, 2, 1), (1, 3, 2, 2))
    vector = tf.ones([2, 3])
    assert taps.same_size(vector, vector) == (vector, vector)
    np.testing.assert_array_equal(taps.average_pixels(vector), vector)


def test_layers_that_are_no_maps_are_compared_place_by_place():
    """Nothing brings 32 tokens and 64 to one size, and one of them would be broadcast."""
    tokens = [None, 64, 4]
    _Distance(("a",)).connect({"a": tokens}, {"a": tokens})
    for other in ([None, 32, 4], [None, 1, 4]):
        with pytest.raises(ValueError, match=r"compares a place by place.*teacher \(None, 64, 4\)"):
            _Distance(("a",)).connect({"a": tokens}, {"a": other})
