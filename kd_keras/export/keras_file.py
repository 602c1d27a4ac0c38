"""Reading a `.keras` file without trusting it."""

import io
import json
import re
import zipfile

import h5py
import keras
import numpy as np
import tensorflow as tf

from kd_keras import models
from kd_keras.export import contents, files, keras_float16, predictor

__all__ = ["load_keras", "make_predict_function", "read_keras_file"]


def load_keras(path):
    """Load a model without running code that the file carries.

    Args:
        path: Of the file.

    Returns:
        A `keras.Model`, not compiled. One with one input and one output takes and returns them as
        tensors, though the file has them in dictionaries or lists.

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: If the file is damaged, needs a layer that is not known here, or carries
            code.
    """
    if files.kind_of(path) != "keras":
        raise ValueError(f"Expected a .keras file. Received: {path}.")
    _require_sound_archive(path)
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise _explained(path, error) from error
    return _from_tensor_to_tensor(model)


def _from_tensor_to_tensor(model):
    """The same model with its one input and its one output out of what they are in."""
    if not isinstance(model, keras.Function) or (len(model.inputs), len(model.outputs)) != (1, 1):
        return model
    if all(isinstance(end, keras.KerasTensor) for end in (model.input, model.output)):
        return model
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def _require_sound_archive(path):
    """Compare the checksums, which Keras does not: it loads damaged weights without a word."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except contents.ARCHIVE_ERRORS as error:
        raise files.damaged(path, error) from error
    if broken:
        raise files.damaged(path, f"Its {broken} does not match its checksum")


def _explained(path, error):
    if _carries_code(path):
        return ValueError(
            f"Refused the model at {path}. It has a Lambda layer, which is code that the file "
            "brings along. Write the layer as a class of its own, and save the model again."
        )
    unknown = re.search(r"Could not locate class '(\w+)'", str(error))
    if unknown:
        return ValueError(
            f"Cannot read the model at {path}. It has a layer {unknown[1]}, which is not known "
            "here. Register the class with keras.saving.register_keras_serializable and import "
            "it first."
        )
    return files.damaged(path, error)


def _carries_code(path):
    with zipfile.ZipFile(path) as archive:
        if "config.json" not in archive.namelist():
            return False
        try:
            return _has_lambda(json.loads(archive.read("config.json")))
        except ValueError:
            return False


def _has_lambda(config):
    if isinstance(config, dict):
        return config.get("class_name") in ("__lambda__", "Lambda") or any(
            map(_has_lambda, config.values())
        )
    return isinstance(config, list) and any(map(_has_lambda, config))


def read_keras_file(path):
    """Open a `.keras` file for prediction: its logits, in float32.

    Args:
        path: Of the file.

    Returns:
        A `predictor.Predictor`.

    Raises:
        ValueError: If the file is damaged or refused, or its model is not from images to logits
            or probabilities.
    """
    model = load_keras(path)
    try:
        model = models.to_logits(models.to_float32(model))
    except TypeError as error:
        raise ValueError(f"Cannot use the model at {path}. {error}") from error
    return predictor.Predictor(
        path=path,
        kind="keras",
        run=make_predict_function(model),
        image_shape=tuple(model.inputs[0].shape),
        logits_shape=tuple(model.outputs[0].shape),
        class_names=contents.read_class_names(path),
        precision=_read_precision(path),
    )


def _read_precision(path):
    """In what the file keeps its kernels; the network computes in float32 in either case."""
    types = set()
    with zipfile.ZipFile(path) as archive:
        if keras_float16.WEIGHTS_NAME not in archive.namelist():
            return "float32"  # in several parts, as Keras alone writes it
        weights = io.BytesIO(archive.read(keras_float16.WEIGHTS_NAME))
    with h5py.File(weights) as file:
        file.visititems(lambda _, member: types.add(getattr(member, "dtype", None)))
    return "float16 weights" if np.dtype(np.float16) in types else "float32"


def make_predict_function(model):
    """Trace a model once, for batches of any size.

    Args:
        model: A functional `keras.Model` with one input and one output.

    Returns:
        A function from images to the model's output, both NumPy arrays.
    """
    image = model.inputs[0]
    specification = tf.TensorSpec((None, *image.shape[1:]), image.dtype)
    predict = tf.function(lambda images: model(images, training=False))
    traced = predict.get_concrete_function(specification)
    return lambda images: traced(tf.cast(images, image.dtype)).numpy()
