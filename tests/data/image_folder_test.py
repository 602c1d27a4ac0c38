import numpy as np
import pytest

from kd_keras import data
from tests.data import picture_files

COUNTS = {"train": {"cat": 3, "dog": 2}, "test": {"cat": 1, "dog": 2}}


def load(root, **settings):
    return data.load("image_folder", str(root), validation_fraction=0.0, **settings)


def all_images(split):
    return split.images_at(range(len(split)))


def message_of(error, call):
    with pytest.raises(error) as raised:
        call()
    return str(raised.value)


def test_classes_and_pictures_are_sorted_by_name(tmp_path):
    written = picture_files.write_folder(tmp_path, COUNTS)
    splits = load(tmp_path)
    assert splits.class_names == ("cat", "dog")
    assert splits.image_shape == (6, 6, 3)
    assert splits.flip_keeps_label
    assert splits.notes == ()
    np.testing.assert_array_equal(splits.train.labels, [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(splits.test.labels, [0, 1, 1])
    np.testing.assert_array_equal(all_images(splits.train), written["train"])
    np.testing.assert_array_equal(all_images(splits.test), written["test"])
    assert len(splits.validation) == 0


def test_a_validation_folder_is_the_validation_split(tmp_path):
    written = picture_files.write_folder(tmp_path, {**COUNTS, "validation": {"cat": 1, "dog": 1}})
    splits = data.load("image_folder", str(tmp_path), validation_fraction=0.5)
    assert len(splits.train) == 5
    np.testing.assert_array_equal(all_images(splits.validation), written["validation"])


def test_test_is_held_out_where_there_is_no_test_folder(tmp_path):
    picture_files.write_folder(tmp_path, {"train": {"cat": 5, "dog": 5}})
    splits = load(tmp_path, test_fraction=0.2)
    np.testing.assert_array_equal(splits.test.labels, [0, 1])
    assert splits.notes == ("No test split: 2 of 10 training images are held out as test.",)


def test_what_is_no_picture_is_ignored(tmp_path):
    written = picture_files.write_folder(tmp_path, COUNTS)
    (tmp_path / "README.md").write_text("Pictures.")
    (tmp_path / "train" / "names.txt").write_text("cat, dog")
    (tmp_path / "train" / "cat" / "Thumbs.db").write_text("")
    (tmp_path / "train" / "cat" / ".0.png").write_text("")
    (tmp_path / "train" / "cat" / "folder.png").mkdir()
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "other").mkdir()
    splits = load(tmp_path)
    assert splits.class_names == ("cat", "dog")
    np.testing.assert_array_equal(all_images(splits.train), written["train"])


def test_extensions_in_any_case_are_pictures(tmp_path):
    picture_files.write_folder(tmp_path, COUNTS)
    for name in ("x.JPG", "x.Jpeg", "x.PNG"):
        picture_files.write_jpeg(tmp_path / "train" / "dog" / name, picture_files.make_picture(0))
    picture_files.write_bmp(tmp_path / "train" / "dog" / "x.bmp", picture_files.make_picture(0))
    assert len(load(tmp_path).train) == 9


def test_pictures_are_scaled_when_asked(tmp_path):
    picture_files.write_folder(tmp_path, COUNTS, height=9, width=7)
    splits = load(tmp_path, image_size=4, resize=True)
    assert splits.image_shape == (4, 4, 3)
    assert len(splits.test) == 3


def test_pictures_need_not_be_square(tmp_path):
    picture_files.write_folder(tmp_path, COUNTS, height=9, width=7)
    assert load(tmp_path).image_shape == (9, 7, 3)


def test_a_folder_larger_than_memory_is_mapped(tmp_path):
    written = picture_files.write_folder(tmp_path / "pictures", COUNTS)
    settings = {"memory_limit_gigabytes": 1e-9, "cache_directory": str(tmp_path / "cache")}
    for _ in range(2):
        splits = load(tmp_path / "pictures", **settings)
        assert splits.train.block.is_mapped
        assert splits.test.block.is_mapped
        np.testing.assert_array_equal(all_images(splits.train), written["train"])
        np.testing.assert_array_equal(splits.train.labels, [0, 0, 0, 1, 1])
    assert len(list((tmp_path / "cache").iterdir())) == 2
    changed = picture_files.make_picture(99)
    picture_files.write_png(tmp_path / "pictures" / "train" / "cat" / "1.png", changed)
    splits = load(tmp_path / "pictures", **settings)
    np.testing.assert_array_equal(splits.train.images_at([1])[0], changed)


def test_scaled_pictures_are_not_taken_for_pictures_of_that_size(tmp_path):
    picture_files.write_folder(tmp_path / "pictures", COUNTS)
    settings = {"memory_limit_gigabytes": 1e-9, "cache_directory": str(tmp_path / "cache")}
    assert load(tmp_path / "pictures", image_size=4, resize=True, **settings).train.block.is_mapped
    with pytest.raises(ValueError, match="Unexpected size of picture"):
        load(tmp_path / "pictures", image_size=4, **settings)


def test_memory_and_disk_give_the_same_dataset(tmp_path):
    picture_files.write_folder(tmp_path, COUNTS)
    in_memory = load(tmp_path)
    mapped = load(tmp_path, memory_limit_gigabytes=1e-9, cache_directory=str(tmp_path / "cache"))
    assert in_memory.fingerprint == mapped.fingerprint
    assert in_memory.mean == mapped.mean


def test_home_folder_in_the_directory(tmp_path, monkeypatch):
    picture_files.write_folder(tmp_path / "photos", COUNTS)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(load("~/photos").train) == 5


def test_a_folder_must_be_given_and_exist(tmp_path):
    assert message_of(ValueError, lambda: load("")) == (
        "No folder given for image_folder. Expected one that holds train/<class>/*.jpg. Name it "
        "with --data_directory."
    )
    missing = tmp_path / "missing"
    assert message_of(FileNotFoundError, lambda: load(missing)) == (
        f"No folder {missing}. Expected {missing}/train/<class>/*.jpg. Choose the folder with "
        "--data_directory."
    )
    assert message_of(FileNotFoundError, lambda: load(tmp_path)) == (
        f"No folder train in {tmp_path}. Expected {tmp_path}/train/<class>/*.jpg. Choose the "
        "folder with --data_directory."
    )


def test_there_must_be_two_classes(tmp_path):
    folder = tmp_path / "train"
    expected = (
        f"Too few classes in {folder}. Expected a folder for each of two or more classes. Received:"
    )
    folder.mkdir()
    assert message_of(ValueError, lambda: load(tmp_path)) == f"{expected} none."
    (folder / "cat").mkdir()
    assert message_of(ValueError, lambda: load(tmp_path)) == f"{expected} one, cat."


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_class_must_have_pictures(tmp_path, split):
    picture_files.write_folder(tmp_path, {**COUNTS, split: {"cat": 1, "dog": 0}})
    assert message_of(ValueError, lambda: load(tmp_path)) == (
        f"No pictures in {tmp_path}/{split}/dog. Expected files that end in .bmp, .jpeg, .jpg, "
        ".png. Add some, or take the folder away."
    )


def test_every_split_must_have_the_classes_of_train(tmp_path):
    picture_files.write_folder(tmp_path, {**COUNTS, "test": {"cat": 1, "horse": 1}})
    assert message_of(ValueError, lambda: load(tmp_path)) == (
        f"Unexpected classes in {tmp_path}/test. Expected the 2 classes of train. Received: dog is "
        "missing, horse is not in train."
    )


def test_every_picture_must_have_the_size_of_the_first(tmp_path):
    picture_files.write_folder(tmp_path, COUNTS)
    other = tmp_path / "test" / "dog" / "1.png"
    picture_files.write_png(other, picture_files.make_picture(0, height=5))
    assert message_of(ValueError, lambda: load(tmp_path)) == (
        f"Unexpected size of picture {other}. Expected 6 x 6 pixels (height x width). Received: "
        "5 x 6. Scale all pictures with --resize --image_size=6."
    )


def test_every_picture_must_have_the_size_that_is_given(tmp_path):
    picture_files.write_folder(tmp_path, COUNTS, height=4, width=6)
    assert message_of(ValueError, lambda: load(tmp_path, image_size=4)) == (
        f"Unexpected size of picture {tmp_path}/train/cat/0.png. Expected 4 x 4 pixels (height x "
        "width). Received: 4 x 6. Scale all pictures with --resize --image_size=4."
    )


def test_a_broken_picture_is_named(tmp_path):
    picture_files.write_folder(tmp_path, COUNTS)
    broken = tmp_path / "train" / "cat" / "0.png"
    broken.write_text("no picture")
    assert message_of(ValueError, lambda: load(tmp_path)).startswith(f"Broken picture {broken}. ")


def test_scaling_needs_a_size(tmp_path):
    picture_files.write_folder(tmp_path, COUNTS)
    assert message_of(ValueError, lambda: load(tmp_path, resize=True)) == (
        "Invalid value for image_size. Expected the side in pixels to scale to, because resize is "
        "set. Received: 0."
    )


def test_a_link_to_a_folder_is_followed(tmp_path):
    picture_files.write_folder(tmp_path / "real", COUNTS)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "train").symlink_to(tmp_path / "real" / "train")
    assert len(load(tmp_path / "linked", test_fraction=0.0).train) == 5
