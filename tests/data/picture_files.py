"""Making small picture files, for the tests of what reads them."""

import struct

import numpy as np
import tensorflow as tf


def make_picture(seed, height=6, width=6, channels=3):
    """Random pixels, uint8."""
    random = np.random.RandomState(seed)
    return random.randint(0, 256, size=(height, width, channels)).astype(np.uint8)


def write_png(path, picture):
    """Write a picture without loss; make the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tf.io.encode_png(picture).numpy())


def write_jpeg(path, picture):
    """Write a picture as most are, with some loss and coarser colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tf.io.encode_jpeg(picture, quality=75, chroma_downsampling=True).numpy())


def write_bmp(path, picture):
    """Write a picture as 24 bits a pixel, from the bottom up, rows filled up to four bytes."""
    height, width, _ = picture.shape
    rows = np.zeros([height, (3 * width + 3) // 4 * 4], np.uint8)
    rows[:, : 3 * width] = picture[::-1, :, ::-1].reshape(height, -1)
    header = struct.pack("<2sIHHI", b"BM", 54 + rows.size, 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, rows.size, 0, 0, 0, 0)
    path.write_bytes(header + rows.tobytes())


def write_folder(root, counts, **sizes):
    """Write root/<split>/<class>/<number>.png from `{split: {class: how many}}`.

    Returns:
        The pictures by split, in the order of class and number.
    """
    written = {}
    for split, classes in counts.items():
        for name, count in sorted(classes.items()):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                picture = make_picture(len(written.setdefault(split, [])), **sizes)
                write_png(root / split / name / f"{number}.png", picture)
                written[split].append(picture)
    return {split: np.stack(pictures) for split, pictures in written.items()}
