"""Decoding picture files, many at once, to one size. Which files there are is not known here."""

import tensorflow as tf

from kd_keras.data import reading

__all__ = ["EXTENSIONS", "decode", "pieces", "size_of"]

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png")  # of a picture file's name, in small letters
_CHANNELS = 3
_PIECE_SIZE = 512  # pictures decoded before they are handed on


def decode(path):
    """Read one picture.

    Args:
        path: Of a JPEG, PNG or BMP file, a scalar string tensor. Its content decides, not its
            name.

    Returns:
        uint8, shape (height, width, 3): red, green, blue. Grey is repeated, transparency dropped.
    """
    content = tf.io.read_file(path)
    # The fast transform that is the default moves the mean of red and blue by more than one.
    picture = tf.cond(
        tf.io.is_jpeg(content),
        lambda: tf.io.decode_jpeg(content, _CHANNELS, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(content, _CHANNELS, expand_animations=False),
    )
    picture.set_shape([None, None, _CHANNELS])
    return picture


def _decode_checked(path):
    """`decode`, with an error that names the file."""
    try:
        return decode(path)
    except tf.errors.OpError as error:
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
