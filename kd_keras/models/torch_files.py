"""Arrays out of files of PyTorch, without PyTorch and without running what such a file holds.

A `.pth` file is a pickle, which may name any function to be called. Here the functions that put
tensors together are known, and everything else becomes an inert object. What the arrays are the
weights of is told in `rep_distiller`.
"""

import collections
import io
import pickle
import zipfile

import numpy as np
import tensorflow as tf

__all__ = ["read_torch_file"]

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {
    "BFloat16Storage": tf.bfloat16.as_numpy_dtype,
    "BoolStorage": np.bool_,
    "ByteStorage": np.uint8,
    "CharStorage": np.int8,
    "DoubleStorage": np.float64,
    "FloatStorage": np.float32,
    "HalfStorage": np.float16,
    "IntStorage": np.int32,
    "LongStorage": np.int64,
    "ShortStorage": np.int16,
}


def read_torch_file(path):
    """Read what `torch.save` wrote, in its present form or in that before version 1.6.

    Args:
        path: The file.

    Returns:
        The saved object, tensors as NumPy arrays; what is neither a tensor nor a plain value of
        Python is an object that says nothing.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is no such file, or damaged.
    """
    try:
        with open(path, "rb") as file:
            if zipfile.is_zipfile(file):
                return _read_zip(file)
            file.seek(0)
            return _read_legacy(file)
    except FileNotFoundError:
        raise FileNotFoundError(f"No file {path}. Expected a .pth file of PyTorch.") from None
    except _FAULTS as error:
        raise ValueError(
            f"{path} cannot be read. Expected a file written by torch.save. "
            f"Received: {type(error).__name__}, {error}."
        ) from None


# What pickle raises on bytes that are none, and what follows from damaged ones.
_FAULTS = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    EOFError,
    OverflowError,
    MemoryError,
)


class _Inert:
    """Takes the place of whatever a file names beside tensors: it can be made, and does nothing."""

    def __init__(self, *arguments, **named):
        pass

    def __setstate__(self, state):
        pass

    def __call__(self, *arguments, **named):
        return _Inert()

    def append(self, item):
        """Take an item of a list."""

    def extend(self, items):
        """Take items of a list."""

    def __setitem__(self, key, value):
        pass


class _Storage:
    """The numbers behind tensors; in the old form they follow after the tensors."""

    def __init__(self, dtype, size):
        self.dtype, self.size = np.dtype(dtype), size
        self.bytes = bytearray(self.dtype.itemsize * size)

    def fill(self, read):
        """Put the numbers there, from a function that reads as many bytes."""
        content = read(len(self.bytes))
        if len(content) != len(self.bytes):
            raise ValueError("it ends too early")
        self.bytes[:] = content


def _rebuild_tensor(storage, offset, shape, strides, *rest):
    whole = np.frombuffer(storage.bytes, storage.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min([offset, *shape, *strides]) < 0 or (0 not in shape and last >= storage.size):
        raise ValueError("a tensor lies outside its numbers")
    steps = [step * storage.dtype.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(whole[offset:], shape, steps, writeable=False)


_KNOWN = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *rest: tensor,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, find_storage):
        super().__init__(file, encoding="latin1")
        self._find_storage = find_storage

    def find_class(self, module, name):
        if module.startswith("torch") and name in _DTYPES:
            return _DTYPES[name]
        return _KNOWN.get((module, name), _Inert)

    def persistent_load(self, identifier):
        kind, dtype, key, _, size, *_ = identifier
        if kind != "storage" or not isinstance(size, int) or dtype is _Inert:
            raise ValueError(f"it keeps numbers of an unknown kind, {kind}")
        return self._find_storage(dtype, str(key), size)


def _read_zip(file):
    with zipfile.ZipFile(file) as archive:
        [record] = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        folder = record.removesuffix("data.pkl")
        if folder + "byteorder" in archive.namelist():
            order = archive.read(folder + "byteorder")
            if order != b"little":
                raise ValueError(f"its numbers are in the order {order.decode()}")
        storages = {}

        def find_storage(dtype, key, size):
            if key not in storages:
                content = io.BytesIO(archive.read(f"{folder}data/{key}"))
                storages[key] = _Storage(dtype, size)
                storages[key].fill(content.read)
            return storages[key]

        return _Unpickler(io.BytesIO(archive.read(record)), find_storage).load()


def _read_legacy(file):
    storages = {}

    def find_storage(dtype, key, size):
        return storages.setdefault(key, _Storage(dtype, size))

    def load():
        return _Unpickler(file, find_storage).load()

    if load() != _LEGACY_MAGIC:
        raise ValueError("it does not begin like one")
    load()  # the version
    load()  # the machine, always of little-endian numbers in practice
    saved = load()
    for key in load():
        size = int.from_bytes(file.read(8), "little")
        if size != storages[key].size:
            raise ValueError("the numbers of a tensor are of another count")
        storages[key].fill(file.read)
    return saved
