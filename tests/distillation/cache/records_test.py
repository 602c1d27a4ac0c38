import numpy as np
import pytest

from kd_keras.distillation.cache import make_record

CLASSES = 7


def make_logits(rows=5, scale=5.0):
    return np.random.default_rng(0).normal(size=[rows, CLASSES]).astype("float32") * scale


def softmax(logits):
    logits = logits.astype(np.float64)
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(("storage", "digits"), [("float16", 2.0**-11), ("float32", 0.0)])
def test_all_logits_come_back_but_for_rounding(storage, digits):
    logits, record = make_logits(), make_record(CLASSES, storage=storage)
    rows = record.encode(logits)
    assert rows.dtype == np.uint8
    assert rows.shape == (5, record.size_bytes)
    assert record.size_bytes == CLASSES * np.dtype(storage).itemsize
    decoded = record.decode(rows)
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, logits, rtol=digits, atol=0)


def test_bytes_are_little_endian():
    rows = make_record(2).encode(np.float32([[1.0, -2.0]]))
    assert rows.tobytes() == b"\x00\x3c\x00\xc0"


@pytest.mark.parametrize("storage", ["float16", "float32"])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_the_others_share_what_the_largest_leave(k, storage):
    """rest = logsumexp of the other logits - log(C - k), for each of the other C - k classes."""
    logits = make_logits()
    record = make_record(CLASSES, top_k=k, storage=storage)
    decoded = record.decode(record.encode(logits))
    precision = 2.0**-10 if storage == "float16" else 1e-6
    for row, result in zip(logits.astype(np.float64), decoded, strict=True):
        largest = np.argsort(-row)[:k]
        others = np.setdiff1d(np.arange(CLASSES), largest)
        rest = np.log(np.exp(row[others]).sum()) - np.log(CLASSES - k)
        np.testing.assert_allclose(result[largest], row[largest], rtol=precision, atol=precision)
        np.testing.assert_allclose(result[others], rest, rtol=precision, atol=precision)
    # So the largest have the probability that they have among all.
    if storage == "float32":
        chosen = np.argsort(-logits)[:, :k]
        expected, received = (
            np.take_along_axis(softmax(values), chosen, axis=-1) for values in (logits, decoded)
        )
        np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_a_record_of_the_largest_is_as_small_as_the_classes_allow():
    assert make_record(200, top_k=5).size_bytes == 5 * 1 + 5 * 2 + 2
    assert make_record(1000, top_k=5).size_bytes == 5 * 2 + 5 * 2 + 2
    assert make_record(70_000, top_k=5, storage="float32").size_bytes == 5 * 4 + 5 * 4 + 4


def test_classes_with_large_numbers_come_back():
    logits = np.zeros([1, 70_000], "float32")
    logits[0, [3, 69_999]] = [8.0, 9.0]
    record = make_record(70_000, top_k=2)
    decoded = record.decode(record.encode(logits))
    assert np.flatnonzero(decoded[0]).tolist() == [3, 69_999]
    assert decoded[0, [3, 69_999]].tolist() == [8.0, 9.0]


@pytest.mark.parametrize("top_k", [0, 3])
def test_deviation_is_the_largest_difference(top_k):
    logits = make_logits()
    record = make_record(CLASSES, top_k=top_k, storage="float32")
    rows = record.encode(logits)
    assert record.deviation(rows, logits).max() < 1e-5
    moved = logits.copy()
    moved[2, logits[2].argmax()] += 0.5
    np.testing.assert_allclose(record.deviation(rows, moved), [0, 0, 0.5, 0, 0], atol=1e-5)


def test_deviation_is_blind_to_which_of_two_equals_is_kept():
    record = make_record(4, top_k=2)
    rows = record.encode(np.float32([[9.0, 5.0, 4.999, -1.0]]))
    assert record.deviation(rows, np.float32([[9.0, 4.999, 5.0, -1.0]])).max() < 0.01


def test_what_does_not_fit_is_refused_with_the_way_out():
    logits = np.float32([[1.0, -65505.0]])
    for record in (make_record(2), make_record(3, top_k=1)):
        with pytest.raises(
            ValueError,
            match=r"^The teacher's logits do not fit in float16\. Expected 65504 at most\. "
            r"Received: 6\.55e\+04\. Set --signal_storage=float32\.$",
        ):
            record.encode(logits)
    make_record(2, storage="float32").encode(logits)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_refused(value):
    with pytest.raises(ValueError, match=r"^The teacher gives logits that are not finite, which "):
        make_record(2).encode(np.float32([[0.0, value]]))


@pytest.mark.parametrize("top_k", [7, 8])
def test_keeping_all_is_not_keeping_the_largest(top_k):
    with pytest.raises(
        ValueError,
        match=r"^Invalid value for top_k\. Expected less than the 7 classes, or 0 for all of "
        rf"them\. Received: {top_k}\. Set --signal_top_k\.$",
    ):
        make_record(CLASSES, top_k=top_k)
