"""The memory of images: one array that splits and tensors share and never copy."""

import functools

import numpy as np
import tensorflow as tf

__all__ = ["Block", "allocate"]

_ALIGNMENT_BYTES = 64  # of a tensor's first byte; TensorFlow's kernels end the process without it


def allocate(shape):
    """An array without content that a tensor can share.

    Args:
        shape: Of the array.

    Returns:
        uint8, of that shape.

    Example:
        >>> allocate([2, 8, 8, 3]).shape
        (2, 8, 8, 3)
    """
    size = int(np.prod(shape))
    memory = np.empty(size + _ALIGNMENT_BYTES, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT_BYTES
    return memory[start : start + size].reshape(shape)


def _can_be_shared(array):
    is_aligned = array.ctypes.data % _ALIGNMENT_BYTES == 0
    return is_aligned and array.flags.c_contiguous and array.flags.writeable


class Block:
    """Images in one array, in memory or mapped from disk, shared by the splits cut from it.

    Args:
        images: uint8, shape (images, height, width, channels). An `np.memmap` stays on disk.

    Raises:
        TypeError: If the images are of another type or shape.

    Example:
        >>> block = Block(np.zeros([2, 8, 8, 1], np.uint8))
        >>> block.is_mapped, block.tensor.shape
        (False, TensorShape([2, 8, 8, 1]))
    """

    def __init__(self, images):
        if images.dtype != np.uint8 or images.ndim != 4:
            raise TypeError(
                "Unexpected kind of images. Expected uint8 of shape (images, height, width, "
                f"channels). Received: {images.dtype} of shape {images.shape}."
            )
        self.images = images

    @property
    def is_mapped(self):
        """Whether the images are on disk, and only what is read is in memory."""
        return isinstance(self.images, np.memmap)

    @functools.cached_property
    def tensor(self):
        """The images of a block in memory, as a tensor of the host over the same memory.

        `tf.convert_to_tensor` would hold them two more times.
        """
        if not _can_be_shared(self.images):
            shareable = allocate(self.images.shape)
            shareable[...] = self.images
            self.images = shareable
        tensor = tf.experimental.dlpack.from_dlpack(self.images.__dlpack__())
        self.images.flags.writeable = False  # a tensor does not change
        return tensor
