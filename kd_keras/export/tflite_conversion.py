"""What the TensorFlow Lite formats share: from a network to one file with its labels inside.

What sets a format apart is in its own module; how a file is read is in `tflite`. The converter
and its quantiser are TensorFlow's.
"""

import pathlib
import re
import tempfile
import warnings

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from kd_keras import models
from kd_keras.export import contents as contents_of_files
from kd_keras.export import folding, interpreter
from kd_keras.export.preparation import prepare
from kd_keras.export.saved_model import save_signatures
from kd_keras.export.silence import silence

__all__ = ["LABELS_NAME", "quantize_to", "require_whole_numbers", "write_tflite"]

LABELS_NAME = "labels.txt"

_FLOATS = frozenset({"float16", "float32", "float64"})


def write_tflite(model, path, contents, configure=None):
    """Write a network as a TensorFlow Lite file.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities.
        path: The file to write; `.tflite` is added where it is missing.
        contents: The `contents.Contents`.
        configure: Called with the `tf.lite.TFLiteConverter` and a function without arguments
            that yields representative images one call's arguments at a time.

    Returns:
        The file, a `pathlib.Path`.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model is no classifier of images, the names do not fit it, there is
            no preprocessing to leave out, or an operation does not exist in TensorFlow Lite.
    """
    path = pathlib.Path(path)
    if path.suffix != ".tflite":
        path = path.with_name(path.name + ".tflite")
    network = folding.fold(
        prepare(
            model,
            class_names=contents.class_names,
            include_preprocessing=contents.include_preprocessing,
        )
    )
    with tempfile.TemporaryDirectory() as directory:
        save_signatures(network, directory, probabilities=False, batch_size=contents.batch_size)
        try:
            content = _convert(directory, configure, lambda: _calls(model, network, contents))
        except ConverterError as error:
            raise _explained(error, network) from error
    path.write_bytes(content)
    members = {contents_of_files.METADATA_NAME: contents.to_json()}
    if contents.class_names:
        members[LABELS_NAME] = "".join(f"{name}\n" for name in contents.class_names)
    contents_of_files.append_to_archive(path, members)
    return path


def _convert(directory, configure, representative_calls):
    converter = tf.lite.TFLiteConverter.from_saved_model(
        directory, signature_keys=["serving_default"]
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if configure is not None:
        configure(converter, representative_calls)
    with silence(), warnings.catch_warnings():
        # Asks for ranges that the representative images give.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs were expected")
        return converter.convert()


def _calls(model, network, contents):
    """Arguments of the calls from which ranges are learnt, each a list of one batch."""
    images = contents.representative_images
    if images is None or len(images) == 0:
        raise ValueError(
            f"Cannot quantise {network.name} without images. Expected representative_images, "
            "some hundred of those it was trained on. Received: none."
        )
    if tuple(images.shape[1:]) != tuple(network.input_shape[1:]):
        raise ValueError(
            "Model and representative images disagree on the image shape. "
            f"Received: model {network.input_shape[1:]}, images {images.shape[1:]}."
        )
    standardize = None
    if not contents.include_preprocessing:
        standardize = models.preprocessing(models.to_float32(model))
    size = contents.batch_size or 1
    # Whole batches: the last is filled with images that have been seen.
    for start in range(0, len(images), size):
        rows = np.arange(start, start + size) % len(images)
        batch = images[rows].astype(np.float32)
        yield [batch if standardize is None else standardize(batch).numpy()]


def quantize_to(number_type, operations):
    """What makes a file compute in whole numbers alone, from its input to its output.

    Args:
        number_type: The `tf.DType` of input and output.
        operations: The `tf.lite.OpsSet` of the operations that may be used.

    Returns:
        The `configure` of `write_tflite`.
    """

    def configure(converter, representative_calls):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative_calls
        converter.target_spec.supported_ops = [operations]
        converter.inference_input_type = number_type
        converter.inference_output_type = number_type

    return configure


def require_whole_numbers(path):
    """Refuse a file in which an operation still computes in floating point.

    Args:
        path: Of a `.tflite` file.

    Returns:
        The path.

    Raises:
        ValueError: If there is such an operation.
    """
    opened = interpreter.open_interpreter(path, fused=False)
    in_floats = sorted(
        {
            operation.name
            for operation in interpreter.list_operations(opened)
            for tensor in (*operation.inputs, *operation.outputs)
            if tensor is not None and tensor.dtype in _FLOATS
        }
    )
    if in_floats:
        raise ValueError(
            f"Cannot write {path.name} in whole numbers alone. Expected operations that have "
            f"them. Received: {', '.join(in_floats)} in floating point. Use another layer there, "
            "or the format tflite_dynamic_int8."
        )
    return path


def _explained(error, network):
    missing = sorted(
        {
            f"{record.operator.name.removeprefix('tf.')} in {_layer(record, network)}"
            for record in error.errors
            if record.HasField("operator")
        }
    )
    if not missing:
        reason = str(error).splitlines()[0]
        return ValueError(f"Cannot write {network.name} as TensorFlow Lite. {reason}")
    return ValueError(
        f"Cannot write {network.name} as TensorFlow Lite. Expected its own operations only, "
        f"because others do not run on a device. Received: {', '.join(missing)}. "
        "Use another layer there, or write a SavedModel."
    )


def _layer(record, network):
    """The layer an operation belongs to; the graph's path to it has `layer_1` for a layer."""
    names = {layer.name for layer in network.layers}
    where = record.location.call[0].name.split("@")[0] if record.location.call else "the graph"
    for scope in where.split("/"):
        for name in (scope, re.sub(r"_\d+$", "", scope)):
            if name in names:
                return f"layer {name}"
    return where
