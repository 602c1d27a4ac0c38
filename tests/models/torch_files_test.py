import collections
import pathlib
import pickle
import re
import zipfile

import numpy as np
import pytest

from kd_keras.models import torch_files
from tests.models import torch_saving

both_forms = pytest.mark.parametrize("save", [torch_saving.save_zip, torch_saving.save_legacy])


def _arrays():
    generator = np.random.default_rng(0)
    return collections.OrderedDict(
        a=generator.normal(size=(3, 2, 1)).astype(np.float32),
        b=np.arange(4),
        c=np.float16([0.5, -2.0]),
        scalar=np.array(7),
        none=np.zeros([0, 3], np.float32),
    )


@both_forms
def test_arrays_and_plain_values_come_back(save, tmp_path):
    save({"epoch": 240, "model": _arrays(), "note": "best"}, tmp_path / "a.pth")
    found = torch_files.read_torch_file(tmp_path / "a.pth")
    assert (found["epoch"], found["note"]) == (240, "best")
    assert list(found["model"]) == list(_arrays())
    for name, array in _arrays().items():
        assert found["model"][name].dtype == array.dtype
        np.testing.assert_array_equal(found["model"][name], array)


class _Harmful:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("harm"),)


@both_forms
def test_nothing_that_a_file_names_is_run(save, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save({"model": _arrays(), "options": _Harmful()}, tmp_path / "a.pth")
    found = torch_files.read_torch_file(tmp_path / "a.pth")
    assert not (tmp_path / "harm").exists()
    np.testing.assert_array_equal(found["model"]["b"], np.arange(4))
    pickle.loads(pickle.dumps(_Harmful()))
    assert (tmp_path / "harm").exists()  # it would have been


def test_objects_of_any_class_stand_for_nothing(tmp_path):
    value = {"model": _arrays(), "path": tmp_path, "counter": collections.Counter("abc")}
    torch_saving.save_zip(value, tmp_path / "a.pth")
    found = torch_files.read_torch_file(tmp_path / "a.pth")
    assert type(found["path"]).__name__ == type(found["counter"]).__name__ == "_Inert"


def test_a_tensor_outside_its_numbers_is_refused():
    storage = torch_files._Storage(np.float32, 4)
    with pytest.raises(ValueError, match="outside"):
        torch_files._rebuild_tensor(storage, 1, (4,), (1,))
    with pytest.raises(ValueError, match="outside"):
        torch_files._rebuild_tensor(storage, 3, (2,), (-1,))
    assert torch_files._rebuild_tensor(storage, 3, (2, 1), (0, 1)).shape == (2, 1)


def _damage(path, kind):
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    elif kind == "other":
        path.write_bytes(b"no file of PyTorch")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("something.txt", "else")


@both_forms
@pytest.mark.parametrize("kind", ["cut", "other", "zip"])
def test_a_damaged_file_is_refused_in_a_sentence(save, kind, tmp_path):
    path = tmp_path / "a.pth"
    save({"model": _arrays()}, path)
    _damage(path, kind)
    expected = f"{path} cannot be read. Expected a file written by torch.save. Received: "
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}"):
        torch_files.read_torch_file(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Expected a \.pth file of PyTorch\."):
        torch_files.read_torch_file(tmp_path / "a.pth")
