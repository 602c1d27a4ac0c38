import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from kd_keras import data
from kd_keras.data import Augmentation


def make_images(count, height=5, width=6, channels=3):
    random = np.random.RandomState(0)
    return random.randint(1, 256, size=(count, height, width, channels)).astype(np.uint8)


def expected_view(image, top, left, flip, *, crop_padding, padding):
    """Pad, cut and mirror one image pixel by pixel, from the definition."""
    height, width, _ = image.shape
    result = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            source_y = y + top - crop_padding
            source_x = (width - 1 - x if flip else x) + left - crop_padding
            if padding == "reflect":
                source_y = min(abs(source_y), 2 * (height - 1) - abs(source_y))
                source_x = min(abs(source_x), 2 * (width - 1) - abs(source_x))
            if 0 <= source_y < height and 0 <= source_x < width:
                result[y, x] = image[source_y, source_x]
    return result


def all_views(crop_padding):
    """Every offset, with and without a flip: columns of top, left and flip."""
    size = 2 * crop_padding + 1
    grid = np.stack(np.meshgrid(range(size), range(size), [0, 1]), axis=-1).reshape(-1, 3)
    return grid[:, 0].astype(np.int32), grid[:, 1].astype(np.int32), grid[:, 2] == 1


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("padding", ["zero", "reflect"])
@pytest.mark.parametrize(("crop_padding", "channels"), [(0, 3), (1, 1), (2, 3), (4, 2)])
def test_views_are_those_of_the_definition(crop_padding, channels, padding, compiled):
    augmentation = Augmentation(crop_padding=crop_padding, padding=padding, flip=True)
    top, left, flip = all_views(crop_padding)
    images = make_images(len(top), channels=channels)
    apply = tf.function(augmentation.apply, jit_compile=compiled)
    views = apply(tf.constant(images), top, left, flip)
    assert views.dtype == tf.uint8
    expected = [
        expected_view(*arguments, crop_padding=crop_padding, padding=padding)
        for arguments in zip(images, top, left, flip, strict=True)
    ]
    np.testing.assert_array_equal(views.numpy(), np.stack(expected))


def test_without_crop_and_flip_images_are_as_they_are():
    augmentation = Augmentation(crop_padding=0, padding="zero", flip=False)
    images = tf.constant(make_images(3))
    view = augmentation.draw(3, seed=0, view=0)
    assert augmentation.apply(images, *view) is images


def test_a_view_covers_all_offsets_evenly():
    view = Augmentation(crop_padding=2, padding="zero", flip=True).draw(10_000, seed=0, view=0)
    for offsets in (view.top, view.left):
        shares = np.bincount(offsets.numpy()) / 10_000
        np.testing.assert_allclose(shares, [0.2] * 5, atol=0.02)
    assert abs(view.flip.numpy().mean() - 0.5) < 0.02
    together = np.corrcoef([view.top, view.left, view.flip])
    np.testing.assert_allclose(together, np.eye(3), atol=0.04)


def test_nothing_is_mirrored_where_a_flip_is_not_wanted():
    augmentation = Augmentation(crop_padding=2, padding="zero", flip=False)
    flipping = dataclasses.replace(augmentation, flip=True)
    view, flipped = (a.draw(100, seed=0, view=0) for a in (augmentation, flipping))
    assert not view.flip.numpy().any()
    np.testing.assert_array_equal(view.top, flipped.top)


def test_a_view_is_a_function_of_seed_view_and_example():
    augmentation = Augmentation(crop_padding=4, padding="zero", flip=True)

    def draw(num_examples, seed, view):
        return np.stack(augmentation.draw(num_examples, seed=seed, view=view))

    view = draw(1000, 7, 3)
    np.testing.assert_array_equal(draw(1000, 7, 3), view)
    np.testing.assert_array_equal(draw(10, 7, 3), view[:, :10])
    for other in (draw(1000, 8, 3), draw(1000, 7, 4), draw(1000, 3, 7)):
        assert (other != view).mean() > 0.5


def test_a_view_is_the_same_on_every_machine():
    view = Augmentation(crop_padding=4, padding="zero", flip=True).draw(6, seed=1, view=2)
    assert view.top.numpy().tolist() == [4, 0, 5, 5, 7, 8]
    assert view.left.numpy().tolist() == [7, 2, 1, 3, 6, 3]
    assert view.flip.numpy().astype(int).tolist() == [0, 1, 1, 1, 0, 1]


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "xla"])
def test_a_view_can_be_drawn_in_a_graph(compiled):
    augmentation = Augmentation(crop_padding=4, padding="zero", flip=True)
    draw = tf.function(lambda view: augmentation.draw(50, seed=5, view=view), jit_compile=compiled)
    for view in (0, 3):
        drawn = draw(tf.constant(view, tf.int64))
        for column, expected in zip(drawn, augmentation.draw(50, seed=5, view=view), strict=True):
            np.testing.assert_array_equal(column, expected)


def test_a_picture_does_not_depend_on_its_batch():
    augmentation = Augmentation(crop_padding=2, padding="reflect", flip=True)
    images, view = tf.constant(make_images(8)), augmentation.draw(8, seed=0, view=0)
    whole = augmentation.apply(images, *view).numpy()
    for indices in ([6, 1, 3], [3], [7, 6, 5, 4, 3, 2, 1, 0]):
        part = augmentation.apply(
            tf.gather(images, indices), *(tf.gather(column, indices) for column in view)
        )
        np.testing.assert_array_equal(part, whole[indices])


def make_splits(side, flip_keeps_label):
    train = data.Split.from_arrays(np.zeros([2, side, side + 3, 3], np.uint8), [0, 1])
    return data.Splits(
        name="made",
        train=train,
        validation=train.select([]),
        test=train.select([]),
        class_names=("cat", "dog"),
        flip_keeps_label=flip_keeps_label,
    )


@pytest.mark.parametrize(("side", "crop_padding"), [(32, 4), (28, 3), (8, 1), (7, 0)])
def test_padding_is_an_eighth_of_the_shorter_side(side, crop_padding):
    assert Augmentation.resolve(make_splits(side, True)).crop_padding == crop_padding


@pytest.mark.parametrize(
    ("flip", "keeps", "expected"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("yes", False, True),
        ("no", True, False),
    ],
)
def test_flip_follows_the_dataset_unless_it_is_told(flip, keeps, expected):
    assert Augmentation.resolve(make_splits(8, keeps), flip=flip).flip is expected


def test_what_is_given_is_taken():
    assert Augmentation.resolve(make_splits(8, True), 7, "reflect", "no") == Augmentation(
        crop_padding=7, padding="reflect", flip=False
    )


@pytest.mark.parametrize("crop_padding", [8, -2])
@pytest.mark.parametrize("padding", ["zero", "reflect"])
def test_padding_must_be_smaller_than_the_side(crop_padding, padding):
    with pytest.raises(ValueError, match="Invalid value") as error:
        Augmentation.resolve(make_splits(8, True), crop_padding, padding)
    assert str(error.value) == (
        "Invalid value for crop_padding. Expected -1 for an eighth of the side, or 0 up to but not "
        f"including the side of the images, 8 pixels. Received: {crop_padding}."
    )


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError,
        match=r"^Unknown padding\. Expected one of reflect, zero\. Received: reflex\. "
        r"Did you mean reflect\?$",
    ):
        Augmentation.resolve(make_splits(8, True), padding="reflex")
    with pytest.raises(
        ValueError, match=r"^Unknown flip\. Expected one of auto, no, yes\. Received: True\.$"
    ):
        Augmentation.resolve(make_splits(8, True), flip=True)
