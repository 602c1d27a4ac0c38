import subprocess
import sys

import numpy as np
import pytest

from kd_keras import data


def test_names_are_those_of_the_table():
    assert data.names() == sorted(data.TABLE)
    assert "digits" in data.names()


@pytest.mark.parametrize("name", ["digits", "synthetic"])
def test_what_needs_no_folder_is_loaded_with_the_defaults(name):
    splits = data.load(name)
    assert splits.name == name
    assert len(splits.train) > len(splits.test) > 0
    assert len(splits.validation) > 0
    for split in (splits.train, splits.validation, splits.test):
        assert set(split.labels) == set(range(splits.num_classes))


def test_loading_twice_gives_the_same():
    assert data.load("digits").fingerprint == data.load("digits").fingerprint


def test_settings_of_the_division_arrive():
    splits = data.load("synthetic", validation_fraction=0.25, max_train_examples=20)
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [20, 64, 64]
    other = data.load("synthetic", validation_fraction=0.25, split_seed=1)
    assert not np.array_equal(splits.validation.rows, other.validation.rows)


def test_a_setting_that_means_nothing_to_a_dataset_does_no_harm(tmp_path):
    splits = data.load(
        "digits",
        download=True,
        cache_directory=str(tmp_path / "cache"),
        memory_limit_gigabytes=1e-9,
        image_size=8,
    )
    assert len(splits.test) == 359
    assert not (tmp_path / "cache").exists()


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"^Unknown dataset\. .* Did you mean digits\?$"):
        data.load("digit")


def test_a_folder_that_would_not_be_read_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs no folder") as error:
        data.load("digits", str(tmp_path))
    assert str(error.value) == (
        f"Dataset digits needs no folder. Expected an empty data_directory. Received: {tmp_path}. "
        "To read pictures from a folder choose --dataset=image_folder."
    )


def test_scaling_that_would_not_be_done_is_refused():
    with pytest.raises(
        ValueError,
        match=r"^Dataset digits cannot be scaled\. Expected resize only with "
        r"--dataset=image_folder\.$",
    ):
        data.load("digits", image_size=4, resize=True)


def test_another_image_size_is_refused():
    with pytest.raises(
        ValueError,
        match=r"^Invalid value for image_size\. Expected the size of the images of digits, 8 x 8 "
        r"pixels, or 0\. Received: 32\.$",
    ):
        data.load("digits", image_size=32)


def test_listing_the_names_does_not_import_tensorflow():
    program = (
        "import sys; from kd_keras import data; data.names(); dir(data); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_name_can_be_used():
    for name in data.__all__:
        assert getattr(data, name) is not None
