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


def write_palette_bmp(path, places, palette):
    """Write places in a palette, 8 bits a pixel, else as `write_bmp`."""
    height, width = places.shape
    rows = np.zeros([height, (width + 3) // 4 * 4], np.uint8)
    rows[:, :width] = places[::-1]
    colours = np.zeros([len(palette), 4], np.uint8)
    colours[:, :3] = palette[:, ::-1]
    start = 54 + colours.size
    header = struct.pack("<2sIHHI", b"BM", start + rows.size, 0, 0, start)
    header += struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, 8, 0, rows.size, 0, 0, len(palette), 0
    )
    path.write_bytes(header + colours.tobytes() + rows.tobytes())


def add_exif(path, orientation, *, order="<", kind=3, before=b""):
    """Put EXIF data into a JPEG file: a maker's name, and the orientation after it."""
    mark = {"<": b"II", ">": b"MM"}[order]
    tiff = mark + struct.pack(order + "HIH", 42, 8, 2)
    tiff += struct.pack(order + "HHII", 0x010F, 2, 4, 0x41424300)
    tiff += struct.pack(order + "HHIHH", 0x0112, kind, 1, orientation, 0) + bytes(4)
    segment = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment
    content = path.read_bytes()
    path.write_bytes(content[:2] + before + segment + content[2:])


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
