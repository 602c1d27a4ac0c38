"""Keras's own file with weights in 16 bits: half the size, float32 again once it is loaded."""

import io
import zipfile

import h5py
import numpy as np

from kd_keras.export import keras_format

__all__ = ["WEIGHTS_NAME", "write_keras_float16"]

WEIGHTS_NAME = "model.weights.h5"  # in every .keras file


def write_keras_float16(model, path, **options):
    """Write a network as a `.keras` file with kernels in float16.

    Half the size, for a network that is to be kept or sent. Keras alone loads it, as float32, so
    that it can teach and be trained on. Vectors (biases, statistics of batch normalisation) stay
    in float32: they are small, and all of a channel hangs on one number. So does a kernel with a
    number above 65,504, the largest in float16.

    It takes, returns and raises what `keras_format.write_keras` does.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> path = write_keras_float16(model, tempfile.mkdtemp() + "/model")
        >>> loaded = keras.models.load_model(path)
        >>> path.name, loaded.layers[-1].kernel.dtype
        ('model.keras', 'float32')
    """
    path = keras_format.write_keras(model, path, **options)
    with zipfile.ZipFile(path) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in members:
            halved = _halve(content) if info.filename == WEIGHTS_NAME else content
            archive.writestr(info, halved)
    return path


def _halve(content):
    buffer = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as source, h5py.File(buffer, "w") as target:
        _copy(source, target)
    return buffer.getvalue()


def _copy(source, target):
    """Copy a group with all that it holds, kernels in float16."""
    target.attrs.update(source.attrs)
    for name, member in source.items():
        if isinstance(member, h5py.Group):
            _copy(member, target.create_group(name))
        else:
            copied = target.create_dataset(name, data=_round(member[()]))
            copied.attrs.update(member.attrs)


def _round(values):
    largest = np.finfo(np.float16).max
    fits = values.dtype == np.float32 and np.abs(values).max(initial=0.0) <= largest
    return values.astype(np.float16) if fits and values.ndim > 1 else values
