import numpy as np
import pytest

from kd_keras.data import blocks


def make_images():
    return np.arange(2 * 3 * 3 * 1, dtype=np.uint8).reshape(2, 3, 3, 1)


def at_offset(images, offset):
    """The same images, their first byte so many bytes from an aligned one."""
    memory = blocks.allocate([offset + images.size])[offset:]
    memory[:] = images.ravel()
    return memory.reshape(images.shape)


def read_only(images):
    images.flags.writeable = False
    return images


def test_an_allocated_array_is_aligned():
    for _ in range(3):
        array = blocks.allocate([5, 3, 3, 1])
        assert array.shape == (5, 3, 3, 1)
        assert array.dtype == np.uint8
        assert array.ctypes.data % 64 == 0


@pytest.mark.parametrize(
    "images",
    [
        make_images(),
        at_offset(make_images(), 0),
        at_offset(make_images(), 1),
        read_only(at_offset(make_images(), 0)),
        at_offset(make_images(), 0).transpose(0, 2, 1, 3),
    ],
    ids=["any", "aligned", "unaligned", "read-only", "strided"],
)
def test_tensor_shares_the_memory_of_the_images(images):
    expected = images.copy()
    block = blocks.Block(images)
    np.testing.assert_array_equal(block.tensor.numpy(), expected)
    np.testing.assert_array_equal(block.images, expected)
    assert np.asarray(memoryview(block.tensor)).ctypes.data == block.images.ctypes.data
    assert block.images.ctypes.data % 64 == 0
    assert "CPU" in block.tensor.device


def test_tensor_of_no_images():
    assert blocks.Block(make_images()[:0]).tensor.shape == (0, 3, 3, 1)


def test_tensor_does_not_copy_an_allocated_array():
    images = at_offset(make_images(), 0)
    block = blocks.Block(images)
    assert np.asarray(memoryview(block.tensor)).ctypes.data == images.ctypes.data
    assert block.tensor is block.tensor
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_a_mapped_array_stays_on_disk(tmp_path):
    np.save(tmp_path / "images.npy", make_images())
    assert blocks.Block(np.load(tmp_path / "images.npy", mmap_mode="r")).is_mapped
    assert not blocks.Block(make_images()).is_mapped


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (np.zeros([2, 3, 3, 1], np.float32), "float32 of shape (2, 3, 3, 1)"),
        (np.zeros([2, 3, 3], np.uint8), "uint8 of shape (2, 3, 3)"),
    ],
)
def test_images_of_another_kind_are_refused(images, received):
    with pytest.raises(TypeError) as error:
        blocks.Block(images)
    assert str(error.value) == (
        "Unexpected kind of images. Expected uint8 of shape (images, height, width, channels). "
        f"Received: {received}."
    )
