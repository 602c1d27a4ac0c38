"""Decoding picture files, many at once, to one size. Which files there are is not known here."""

import struct

import numpy as np
import tensorflow as tf

from kd_keras.data import reading

__all__ = ["EXTENSIONS", "decode", "pieces", "size_of"]

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png")  # of a picture file's name, in small letters
_CHANNELS = 3
_PIECE_SIZE = 512  # pictures decoded before they are handed on
_HEAD_BYTES = 2**18  # of a file, in which its orientation or its palette is looked for
_ORIENTATION = 0x0112  # the number of the EXIF tag
_HAS_EXIF = r"\C*Exif\C*"
_PALETTE = "the palette is not grey"


def decode(path):
    """Read one picture.

    Args:
        path: Of a JPEG, PNG or BMP file, a scalar string tensor. Its content decides, not its
            name.

    Returns:
        uint8, shape (height, width, 3): red, green, blue. Grey is repeated, transparency dropped,
        and a JPEG turned and mirrored as the orientation in its EXIF data says.

    Raises:
        tf.errors.InvalidArgumentError: If it cannot be decoded, or is a BMP file with a palette of
            other colours than the greys from black to white.
    """
    content = tf.io.read_file(path)
    picture = tf.cond(
        tf.io.is_jpeg(content), lambda: _decode_jpeg(content), lambda: _decode_other(content)
    )
    picture.set_shape([None, None, _CHANNELS])
    return picture


def _decode_jpeg(content):
    # The fast transform that is the default moves the mean of red and blue by more than one.
    picture = tf.io.decode_jpeg(content, _CHANNELS, dct_method="INTEGER_ACCURATE")
    head = tf.strings.substr(content, 0, _HEAD_BYTES)
    return tf.cond(
        tf.strings.regex_full_match(head, _HAS_EXIF),  # quicker than to ask in Python
        lambda: _turn(picture, _ask(head, _read_orientation, np.int32)),
        lambda: picture,
    )


def _decode_other(content):
    head = tf.strings.substr(content, 0, _HEAD_BYTES)
    is_coloured = tf.cond(
        tf.strings.substr(content, 0, 2) == b"BM",
        lambda: _ask(head, _has_coloured_palette, np.bool_),
        lambda: False,
    )
    with tf.control_dependencies([tf.debugging.Assert(~is_coloured, [_PALETTE])]):
        return tf.io.decode_image(content, _CHANNELS, expand_animations=False)


def _ask(head, read, dtype):
    """What a Python function reads in the head of a file: a number."""

    def call(head):
        # Outside of a graph it comes as an array.
        return dtype(read(head if isinstance(head, bytes) else head.item()))

    return tf.ensure_shape(tf.numpy_function(call, [head], dtype, stateful=False), [])


def _turn(picture, orientation):
    """A picture as it is to be seen.

    By its orientation, the first row and the first column of the file are at the: 1 top and left,
    2 top and right, 3 bottom and right, 4 bottom and left, 5 left and top, 6 right and top,
    7 right and bottom, 8 left and bottom.
    """

    def apply_if(orientations, change, picture):
        applies = tf.reduce_any(orientation == orientations)
        return tf.cond(applies, lambda: change(picture), lambda: picture)

    picture = apply_if([5, 6, 7, 8], lambda one: tf.transpose(one, [1, 0, 2]), picture)
    picture = apply_if([2, 3, 6, 7], lambda one: one[:, ::-1], picture)
    return apply_if([3, 4, 7, 8], lambda one: one[::-1], picture)


def _read_orientation(head):
    """The orientation in the EXIF data of a JPEG file, from 1 to 8; 1 where it tells none."""
    try:
        start = 2  # after the mark of a JPEG file
        while head[start] == 0xFF:
            kind, length = struct.unpack_from(">BH", head, start + 1)
            if kind == 0xFF:  # it fills up
                start += 1
                continue
            if kind == 0xE1 and head[start + 4 : start + 10] == b"Exif\0\0":
                return _read_tag(head[start + 10 : start + 2 + length])
            if kind == 0xDA:  # the picture itself
                break
            start += 2 + length
    except (IndexError, struct.error):
        pass  # cut off before it
    return 1


def _read_tag(exif):
    """The orientation in the first directory of EXIF data, which is a TIFF file."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    [start] = struct.unpack_from(order + "I", exif, 4)
    [count] = struct.unpack_from(order + "H", exif, start)
    for number in range(count):
        tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, start + 2 + 12 * number)
        if tag == _ORIENTATION:
            return value if kind == 3 and 1 <= value <= 8 else 1
    return 1


def _has_coloured_palette(head):
    """Whether a BMP file is of 8 bits, with a palette other than the greys from black to white.

    Of such a file TensorFlow takes the places in the palette for greys.
    """
    if len(head) < 54:
        return False
    size, bits = struct.unpack_from("<I", head, 14)[0], struct.unpack_from("<H", head, 28)[0]
    if size < 40 or bits != 8:
        return False
    count = struct.unpack_from("<I", head, 46)[0] or 256
    palette = np.frombuffer(head[14 + size :][: 4 * count], np.uint8)
    palette = palette[: len(palette) // 4 * 4].reshape(-1, 4)[:, :3]
    return not (palette == np.arange(len(palette))[:, None]).all()


def _decode_checked(path):
    """`decode`, with an error that names the file."""
    try:
        return decode(path)
    except tf.errors.OpError as error:
        if _PALETTE in error.message:
            raise ValueError(
                f"Unexpected colours of picture {path}. Expected a BMP file of 24 bits, or of 8 "
                "bits whose palette is the greys from black to white. Received: another palette "
                "of 8 bits. Save it as PNG."
            ) from error
        raise ValueError(
            f"Broken picture {path}. Expected a JPEG, PNG or BMP file that can be decoded as RGB. "
            f"Received: {error.message.splitlines()[0]}. Replace it or take it away."
        ) from error


def size_of(path):
    """Height and width of a picture in pixels.

    Raises:
        ValueError: If the file cannot be decoded.
    """
    return tuple(_decode_checked(path).shape[:2])


def _scale(picture, size):
    scaled = tf.image.resize(picture, size, antialias=True)
    return tf.saturate_cast(tf.round(scaled), tf.uint8)


def _reader(size, resize):
    """A graph function from a path to a picture of that size, and the size that it had."""

    def read(path):
        picture = decode(path)
        found = tf.shape(picture)[:2]
        if resize:
            picture = _scale(picture, size)
        # A picture of another size must not stop the piece: the caller names it.
        is_right = tf.reduce_all(tf.shape(picture)[:2] == size)
        picture = tf.cond(is_right, lambda: picture, lambda: tf.zeros([*size, _CHANNELS], tf.uint8))
        return tf.ensure_shape(picture, [*size, _CHANNELS]), found

    return read


def _check_sizes(found, paths, size):
    for path, (height, width) in zip(paths, found, strict=True):
        if (height, width) != size:
            raise ValueError(
                f"Unexpected size of picture {path}. Expected {size[0]} x {size[1]} pixels (height "
                f"x width). Received: {height} x {width}. Scale all pictures with --resize "
                f"--image_size={size[0]}."
            )


def pieces(paths, labels, *, size, resize):
    """Decode pictures in parallel, in order.

    Args:
        paths: Of picture files, a list of n strings.
        labels: Indices of classes, int32, shape (n,).
        size: (height, width) in pixels that every picture has or is scaled to.
        resize: Scale pictures of another size, by bilinear interpolation with antialiasing and
            without regard to their proportions.

    Yields:
        Pairs of pictures, uint8, shape (some, height, width, 3), and their labels.

    Raises:
        ValueError: If a file cannot be decoded, or has another size and is not to be scaled.
    """
    dataset = tf.data.Dataset.from_tensor_slices(paths)
    dataset = dataset.map(_reader(size, resize), num_parallel_calls=reading.PARALLEL_CALLS)
    decoded = reading.untuned(dataset.batch(_PIECE_SIZE).prefetch(1)).as_numpy_iterator()
    for start in range(0, len(paths), _PIECE_SIZE):
        piece_paths = paths[start : start + _PIECE_SIZE]
        try:
            pictures, found = next(decoded)
        except tf.errors.OpError:
            # The error of a piece does not say which file it was.
            for path in piece_paths:
                _decode_checked(path)
            raise
        if not resize:
            _check_sizes(found, piece_paths, size)
        yield pictures, labels[start : start + len(pictures)]
