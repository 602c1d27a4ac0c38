import pytest

from kd_keras import config, files
from kd_keras.choosing import images


def find(path, monkeypatch=None, **options):
    return images.find_images(config.Config(data=config.Data(dataset="synthetic")), path, **options)


def refuse(config):
    raise AssertionError("loaded again")


def test_images_are_loaded_once(tmp_path, monkeypatch):
    path = tmp_path / "images.json"
    first = find(path)
    assert (len(first.image_shape), first.num_classes) == (3, 4)
    monkeypatch.setattr(images.assembly, "load_splits", refuse)
    assert find(path) == first
    with pytest.raises(AssertionError, match="loaded again"):
        find(path, again=True)


def test_other_images_are_others(tmp_path, monkeypatch):
    path = tmp_path / "images.json"
    find(path)
    monkeypatch.setattr(images.assembly, "load_splits", refuse)
    other = config.Config(data=config.Data(dataset="digits"))
    with pytest.raises(AssertionError, match="loaded again"):
        images.find_images(other, path)
    assert len(files.read_json(path)) == 1


def test_a_network_can_be_built_for_them():
    seen = images.Images((8, 8, 3), 10)
    assert seen.mean.shape == seen.standard_deviation.shape == (3,)
    assert seen.description == "images of 8 x 8 x 3, 10 classes"


def test_the_images_of_a_run_are_in_its_record():
    facts = {"image_shape": [8, 8, 1], "class_names": ["a", "b"]}
    assert images.recorded_images(facts) == images.Images((8, 8, 1), 2)
