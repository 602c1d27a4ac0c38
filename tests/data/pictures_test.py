import numpy as np
import pytest
import tensorflow as tf

from kd_keras.data import pictures
from tests.data import picture_files


def read_all(paths, *, size=(6, 6), resize=False):
    pieces = list(
        pictures.pieces(
            [str(path) for path in paths],
            np.arange(len(paths), dtype=np.int32),
            size=size,
            resize=resize,
        )
    )
    images, labels = zip(*pieces, strict=True)
    np.testing.assert_array_equal(np.concatenate(labels), np.arange(len(paths)))
    return np.concatenate(images)


def write_pngs(folder, count, **sizes):
    written = [picture_files.make_picture(seed, **sizes) for seed in range(count)]
    for number, picture in enumerate(written):
        picture_files.write_png(folder / f"{number}.png", picture)
    return [folder / f"{number}.png" for number in range(count)], np.stack(written)


def scale_line(line, size):
    """Bilinear interpolation with antialiasing: a triangle as wide as the coarser grid."""
    factor = len(line) / size
    width = max(factor, 1.0)
    centres = (np.arange(size) + 0.5) * factor
    distances = np.abs(np.arange(len(line)) + 0.5 - centres[:, None])
    weights = np.maximum(0.0, 1.0 - distances / width)
    return weights / weights.sum(axis=1, keepdims=True) @ line


def test_png_and_bmp_are_read_without_loss(tmp_path):
    picture = picture_files.make_picture(0, height=5, width=7)
    picture_files.write_png(tmp_path / "a.png", picture)
    picture_files.write_bmp(tmp_path / "a.bmp", picture)
    for name in ("a.png", "a.bmp"):
        np.testing.assert_array_equal(pictures.decode(str(tmp_path / name)), picture)
        assert pictures.size_of(str(tmp_path / name)) == (5, 7)


def test_the_content_decides_and_not_the_name(tmp_path):
    picture = picture_files.make_picture(0)
    picture_files.write_png(tmp_path / "a.jpg", picture)
    np.testing.assert_array_equal(pictures.decode(str(tmp_path / "a.jpg")), picture)


def test_grey_is_repeated_and_transparency_dropped(tmp_path):
    for channels in (1, 2, 4):
        picture = picture_files.make_picture(0, channels=channels)
        picture_files.write_png(tmp_path / "a.png", picture)
        expected = picture[..., :3] if channels == 4 else np.repeat(picture[..., :1], 3, axis=-1)
        np.testing.assert_array_equal(pictures.decode(str(tmp_path / "a.png")), expected)


def test_jpeg_is_read_without_a_shift_of_its_colours(tmp_path):
    shifts = []
    for seed in range(20):
        random = np.random.RandomState(seed)
        coarse = random.randint(60, 196, size=(4, 4, 3)).repeat(8, axis=0).repeat(8, axis=1)
        picture = (coarse + random.randint(-20, 21, size=(32, 32, 3))).astype(np.uint8)
        picture_files.write_jpeg(tmp_path / "a.jpg", picture)
        read = pictures.decode(str(tmp_path / "a.jpg")).numpy()
        shifts.append((read.astype(float) - picture).mean(axis=(0, 1)))
    np.testing.assert_allclose(np.mean(shifts, axis=0), [0.0, 0.0, 0.0], atol=0.3)


# What is stored, as it is to be seen, by its orientation.
SEEN = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),  # clockwise
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: np.rot90,
}
COMMENT = b"\xff\xfe\x00\x08Exif\0\0"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("before", [b"", COMMENT + b"\xff"], ids=["first", "behind a comment"])
@pytest.mark.parametrize("orientation", SEEN)
def test_a_photograph_is_turned_as_its_orientation_says(orientation, before, order, tmp_path):
    path = tmp_path / "a.jpg"
    picture_files.write_jpeg(path, picture_files.make_picture(0, height=16, width=24))
    stored = pictures.decode(str(path)).numpy()
    picture_files.add_exif(path, orientation, order=order, before=before)
    expected = SEEN[orientation](stored)
    np.testing.assert_array_equal(pictures.decode(str(path)), expected)
    assert pictures.size_of(str(path)) == expected.shape[:2]


def test_photographs_of_every_orientation_come_in_order(tmp_path):
    picture = picture_files.make_picture(0, height=16, width=16)
    paths = [tmp_path / f"{orientation}.jpg" for orientation in SEEN]
    for orientation, path in zip(SEEN, paths, strict=True):
        picture_files.write_jpeg(path, picture)
        stored = pictures.decode(str(path)).numpy()
        picture_files.add_exif(path, orientation)
    received = read_all(paths, size=(16, 16))
    np.testing.assert_array_equal(received, np.stack([see(stored) for see in SEEN.values()]))


@pytest.mark.parametrize(
    ("orientation", "kind"), [(0, 3), (9, 3), (6, 4)], ids=["zero", "nine", "another type"]
)
def test_an_orientation_that_does_not_exist_turns_nothing(orientation, kind, tmp_path):
    path = tmp_path / "a.jpg"
    picture_files.write_jpeg(path, picture_files.make_picture(0, height=16, width=24))
    stored = pictures.decode(str(path)).numpy()
    picture_files.add_exif(path, orientation, kind=kind)
    np.testing.assert_array_equal(pictures.decode(str(path)), stored)


def test_exif_data_that_is_damaged_turns_nothing(tmp_path):
    path = tmp_path / "a.jpg"
    picture_files.write_jpeg(path, picture_files.make_picture(0, height=16, width=24))
    stored = pictures.decode(str(path)).numpy()
    picture_files.add_exif(path, 6)
    whole = path.read_bytes()
    directory = whole.index(b"II") + 4
    for damage in (b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00"):
        path.write_bytes(whole[:directory] + damage + whole[directory + 4 :])
        np.testing.assert_array_equal(pictures.decode(str(path)), stored)
    path.write_bytes(whole.replace(b"II*", b"XX*"))
    np.testing.assert_array_equal(pictures.decode(str(path)), stored)


def test_a_jpeg_without_exif_data_is_what_the_decoder_gives(tmp_path):
    path = tmp_path / "a.jpg"
    picture_files.write_jpeg(path, picture_files.make_picture(0, height=16, width=24))
    expected = tf.io.decode_jpeg(path.read_bytes(), 3, dct_method="INTEGER_ACCURATE")
    np.testing.assert_array_equal(pictures.decode(str(path)), expected)


@pytest.mark.parametrize("count", [256, 40])
def test_a_bmp_with_a_palette_of_greys_is_read_without_loss(count, tmp_path):
    places = np.minimum(picture_files.make_picture(0, height=5, width=7)[..., 0], count - 1)
    places = places.astype(np.uint8)
    greys = np.repeat(np.arange(count, dtype=np.uint8)[:, None], 3, axis=1)
    picture_files.write_palette_bmp(tmp_path / "a.bmp", places, greys)
    expected = np.repeat(places[..., None], 3, axis=-1)
    np.testing.assert_array_equal(pictures.decode(str(tmp_path / "a.bmp")), expected)


def test_a_bmp_with_another_palette_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "_PIECE_SIZE", 2)
    paths, _ = write_pngs(tmp_path, 5)
    places = picture_files.make_picture(0)[..., 0]
    white_to_black = np.repeat(np.arange(256, dtype=np.uint8)[::-1, None], 3, axis=1)
    for palette in (picture_files.make_picture(1, height=256, width=1)[:, 0], white_to_black):
        picture_files.write_palette_bmp(paths[3], places, palette)
        for read in (lambda: read_all(paths), lambda: pictures.size_of(str(paths[3]))):
            with pytest.raises(ValueError, match="Unexpected colours") as error:
                read()
            assert str(error.value) == (
                f"Unexpected colours of picture {paths[3]}. Expected a BMP file of 24 bits, or of "
                "8 bits whose palette is the greys from black to white. Received: another palette "
                "of 8 bits. Save it as PNG."
            )


@pytest.mark.parametrize("piece_size", [1, 3, 512])
def test_pictures_come_in_order(tmp_path, monkeypatch, piece_size):
    monkeypatch.setattr(pictures, "_PIECE_SIZE", piece_size)
    paths, written = write_pngs(tmp_path, 7)
    np.testing.assert_array_equal(read_all(paths), written)
    np.testing.assert_array_equal(read_all(paths[::-1]), written[::-1])


@pytest.mark.parametrize(("height", "width", "side"), [(8, 8, 4), (5, 9, 4), (3, 4, 8), (6, 6, 6)])
def test_pictures_are_scaled_with_antialiasing(tmp_path, height, width, side):
    paths, written = write_pngs(tmp_path, 3, height=height, width=width)
    scaled = read_all(paths, size=(side, side), resize=True)
    assert scaled.dtype == np.uint8
    for picture, received in zip(written.astype(float), scaled, strict=True):
        columns = np.apply_along_axis(scale_line, 0, picture, side)
        expected = np.apply_along_axis(scale_line, 1, columns, side)
        np.testing.assert_allclose(received, expected, atol=0.51)


def test_pictures_of_different_sizes_are_scaled_to_one(tmp_path):
    for number, side in enumerate((4, 6, 9)):
        picture = np.full([side, side + number, 3], 10 * number, np.uint8)
        picture_files.write_png(tmp_path / f"{number}.png", picture)
    scaled = read_all([tmp_path / f"{n}.png" for n in range(3)], size=(5, 5), resize=True)
    np.testing.assert_array_equal(scaled[:, 0, 0, 0], [0, 10, 20])
    assert scaled.shape == (3, 5, 5, 3)


@pytest.mark.parametrize("content", [b"", b"no picture", "cut"], ids=["empty", "text", "cut"])
@pytest.mark.parametrize("resize", [False, True])
def test_a_broken_picture_is_named(tmp_path, monkeypatch, content, resize):
    monkeypatch.setattr(pictures, "_PIECE_SIZE", 2)
    paths, _ = write_pngs(tmp_path, 5)
    paths[3].write_bytes(paths[3].read_bytes()[:60] if content == "cut" else content)
    with pytest.raises(ValueError, match="Broken picture") as error:
        read_all(paths, resize=resize)
    message = str(error.value)
    assert message.startswith(
        f"Broken picture {paths[3]}. Expected a JPEG, PNG or BMP file that can be decoded as RGB. "
        "Received: "
    )
    assert message.endswith(". Replace it or take it away.")
    assert "\n" not in message
    with pytest.raises(ValueError, match="Broken picture"):
        pictures.size_of(str(paths[3]))


def test_a_picture_of_another_size_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "_PIECE_SIZE", 2)
    paths, _ = write_pngs(tmp_path, 5)
    picture_files.write_png(paths[3], picture_files.make_picture(0, height=6, width=8))
    with pytest.raises(ValueError, match="Unexpected size") as error:
        read_all(paths)
    assert str(error.value) == (
        f"Unexpected size of picture {paths[3]}. Expected 6 x 6 pixels (height x width). Received: "
        "6 x 8. Scale all pictures with --resize --image_size=6."
    )


def test_reading_works_in_a_graph(tmp_path):
    picture = picture_files.make_picture(0)
    picture_files.write_png(tmp_path / "a.png", picture)
    decode = tf.function(pictures.decode)
    np.testing.assert_array_equal(decode(tf.constant(str(tmp_path / "a.png"))), picture)
