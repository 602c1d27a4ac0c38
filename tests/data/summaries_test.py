import numpy as np
import pytest

from kd_keras.data import Split, summaries


def make_split(count=7, channels=3):
    random = np.random.RandomState(0)
    images = random.randint(0, 256, size=(count, 4, 5, channels)).astype(np.uint8)
    return Split.from_arrays(images, np.arange(count) % 2)


@pytest.fixture(params=[1, 130, 10**6], ids=["one image", "two images", "all images"])
def piece_bytes(request, monkeypatch):
    monkeypatch.setattr(summaries, "_PIECE_BYTES", request.param)


@pytest.mark.usefixtures("piece_bytes")
def test_statistics_do_not_depend_on_the_pieces():
    split = make_split().select([6, 2, 3, 0, 1])
    pixels = split.images_at(range(5)).astype(np.float64)
    mean, deviation = summaries.pixel_statistics(split)
    assert all(type(value) is float for value in mean + deviation)
    np.testing.assert_allclose(mean, pixels.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(deviation, pixels.std(axis=(0, 1, 2)), rtol=1e-12)


def test_a_constant_channel_has_deviation_one():
    images = make_split().images_at(range(7))
    images[..., 1] = 255
    mean, deviation = summaries.pixel_statistics(Split.from_arrays(images, np.zeros(7)))
    assert mean[1] == 255.0
    assert deviation[1] == 1.0
    assert deviation[0] > 1.0


@pytest.mark.usefixtures("piece_bytes")
def test_fingerprint_does_not_depend_on_the_pieces():
    assert summaries.fingerprint([make_split()], ["a", "b"]) == (
        "2de066b02bcbd7bba21d99b6135fbdd9d929a5f2c0da16296812298ae09080de"
    )


def test_fingerprint_of_a_view_is_that_of_its_content():
    split = make_split()
    copy = Split.from_arrays(split.images_at([4, 2]), split.labels[[4, 2]])
    names = ["a", "b"]
    assert summaries.fingerprint([split.select([4, 2])], names) == summaries.fingerprint(
        [copy], names
    )
