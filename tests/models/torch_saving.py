"""Files as `torch.save` writes them, made without PyTorch: only what the tests need.

The pickles name PyTorch's functions, which are stood in for while a file is written.
"""

import contextlib
import io
import pickle
import sys
import types
import zipfile

import numpy as np

__all__ = ["save_legacy", "save_zip"]

_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {"float32": "FloatStorage", "int64": "LongStorage", "float16": "HalfStorage"}


@contextlib.contextmanager
def _named_like_torch():
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in _STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        """Named in the file, never called here."""

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        yield torch
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class _Storage:
    def __init__(self, array, key):
        self.array, self.key = array, key


def _pickler(file, torch, storages, legacy):
    class Pickler(pickle.Pickler):
        def reducer_override(self, value):
            if not isinstance(value, np.ndarray):
                return NotImplemented
            storage = _Storage(np.array(value, order="C"), str(len(storages)))
            storages.append(storage)
            strides = tuple(step // value.itemsize for step in storage.array.strides)
            rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
            return rebuild, (storage, 0, value.shape, strides, False, {})

        def persistent_id(self, value):
            if not isinstance(value, _Storage):
                return None
            kind = getattr(torch, _STORAGES[value.array.dtype.name])
            identifier = ("storage", kind, value.key, "cuda:0", value.array.size)
            return (*identifier, None) if legacy else identifier

    return Pickler(file, protocol=2)


def save_zip(value, path):
    """As PyTorch since version 1.6, arrays in the place of tensors."""
    record, storages = io.BytesIO(), []
    with _named_like_torch() as torch:
        _pickler(record, torch, storages, legacy=False).dump(value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", record.getvalue())
        archive.writestr("archive/byteorder", "little")
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.array.tobytes())


def save_legacy(value, path):
    """As PyTorch before version 1.6."""
    storages = []
    with open(path, "wb") as file:
        for head in (_MAGIC, 1001, {"little_endian": True}):
            pickle.dump(head, file, protocol=2)
        with _named_like_torch() as torch:
            _pickler(file, torch, storages, legacy=True).dump(value)
        pickle.dump([storage.key for storage in storages], file, protocol=2)
        for storage in storages:
            file.write(storage.array.size.to_bytes(8, "little") + storage.array.tobytes())
