"""What the TensorFlow Lite formats share: from a network to one file with its labels inside.

What sets a format apart is in its own module; how a file is read is in `tflite`. The converter
and its quantiser are TensorFlow's: the operations they leave are fewest after `folding`, and the
quantiser of ai-edge-quantizer gave the same numbers from one batch of images, and worse ones from
several.
"""

import functools
import pathlib
import re
import tempfile
import warnings

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from kd_keras import models
from kd_keras.export import contents as contents_of_files
from kd_keras.export import folding, interpreter
from kd_keras.export.preparation import prepare
from kd_keras.export.saved_model import save_signatures
from kd_keras.export.silence import silence

__all__ = ["LABELS_NAME", "require_whole_numbers", "write_tflite", "write_whole_numbers"]

LABELS_NAME = "labels.txt"

_FLOATS = frozenset({"float16", "float32", "float64"})


def write_tflite(model, path, options, configure=None):
    """Write a network as a TensorFlow Lite file.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities. It may have
            been trained in half precision.
        path: The file to write; `.tflite` is added where it is missing.
        options: Those of `contents.Contents`, by name.
        configure: Called with the `tf.lite.TFLiteConverter`.

    Returns:
        The file, a `pathlib.Path`.

    Raises:
        TypeError: If the model is not functional, or there is no such option.
        ValueError: If the model is no classifier of images, the names do not fit it, there is
            no preprocessing to leave out, or an operation does not exist in TensorFlow Lite.
    """
    contents = contents_of_files.Contents(**options)
    return _write(_prepare(model, contents), path, contents, configure)


def write_whole_numbers(model, path, options, number_type, operations):
    """Write a network as a TensorFlow Lite file that computes in whole numbers alone.

    The ranges of the activations are those that the network was trained with, where the options
    have them, the numbers are of 8 bits and no operation is without one; else those that it has
    on representative images. A network that takes images of any size gets the size of these: no
    file in whole numbers has a free one.

    Args:
        model, path, options: As `write_tflite` takes them; `representative_images` is needed.
        number_type: The `tf.DType` of input and output.
        operations: The `tf.lite.OpsSet` of the operations that may be used.

    Returns:
        The file, a `pathlib.Path`.

    Raises:
        TypeError: As `write_tflite`.
        ValueError: As `write_tflite`; and if there are no images, or an operation would compute
            in floating point.
    """
    contents = contents_of_files.Contents(**options)
    network = _of_size(_prepare(model, contents), contents.representative_images)

    def configure(converter):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = number_type
        converter.inference_output_type = number_type

    def configure_by_images(converter):
        configure(converter)
        converter.representative_dataset = functools.partial(_calls, model, network, contents)
        converter.target_spec.supported_ops = [operations]

    if contents.activation_ranges and number_type.size == 1:
        rounding = models.with_ranges(network, contents.activation_ranges)
        written = _write(rounding, path, contents, configure)
        if not _in_floats(written):
            return written
    _check_images(network, contents.representative_images)
    return require_whole_numbers(_write(network, path, contents, configure_by_images))


def _prepare(model, contents):
    return folding.fold(
        prepare(
            model,
            class_names=contents.class_names,
            include_preprocessing=contents.include_preprocessing,
        )
    )


def _write(network, path, contents, configure):
    path = pathlib.Path(path)
    if path.suffix != ".tflite":
        path = path.with_name(path.name + ".tflite")
    with tempfile.TemporaryDirectory() as directory:
        save_signatures(network, directory, probabilities=False, batch_size=contents.batch_size)
        try:
            content = _convert(directory, configure)
        except ConverterError as error:
            raise _explained(error, network) from error
        except RuntimeError as error:
            raise _unquantized(error, path) from error
    path.write_bytes(content)
    members = {contents_of_files.METADATA_NAME: contents.to_json()}
    if contents.class_names:
        members[LABELS_NAME] = "".join(f"{name}\n" for name in contents.class_names)
    contents_of_files.append_to_archive(path, members)
    return path


def _convert(directory, configure):
    converter = tf.lite.TFLiteConverter.from_saved_model(
        directory, signature_keys=["serving_default"]
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if configure is not None:
        configure(converter)
    with silence(), warnings.catch_warnings():
        # Asks for ranges that the representative images give.
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs were expected")
        return converter.convert()


def _check_images(network, images):
    """Refuse images from which no ranges can be learnt, before the network is converted."""
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


def _of_size(network, images):
    """The network with the images' size for every side that it leaves free."""
    own = network.input_shape[1:]
    if None not in own or images is None or len(images) == 0 or images.ndim != 1 + len(own):
        return network
    sizes = zip(own, images.shape[1:], strict=True)
    sides = [given if side is None else side for side, given in sizes]
    image = network.inputs[0]
    return keras.models.clone_model(
        network,
        input_tensors=keras.Input(sides, dtype=image.dtype, name=image.name),
        clone_function=lambda layer: layer,
    )


def _calls(model, network, contents):
    """Arguments of the calls from which ranges are learnt, each a list of one batch."""
    images = contents.representative_images
    standardize = None
    if not contents.include_preprocessing:
        standardize = models.preprocessing(models.to_float32(model))
    size = contents.batch_size or 1
    # Whole batches: the last is filled with images that have been seen.
    for start in range(0, len(images), size):
        rows = np.arange(start, start + size) % len(images)
        batch = images[rows].astype(np.float32)
        yield [batch if standardize is None else standardize(batch).numpy()]


def require_whole_numbers(path):
    """Refuse a file in which an operation still computes in floating point.

    Args:
        path: Of a `.tflite` file.

    Returns:
        The path.

    Raises:
        ValueError: If there is such an operation.
    """
    in_floats = _in_floats(path)
    if in_floats:
        raise ValueError(
            f"Cannot write {path.name} in whole numbers alone. Expected operations that have "
            f"them. Received: {', '.join(in_floats)} in floating point. Use another layer there, "
            "or the format tflite_dynamic_int8."
        )
    return path


def _in_floats(path):
    """The names of the operations that compute in floating point, sorted."""
    opened = interpreter.open_interpreter(path, fused=False)
    return sorted(
        {
            operation.name
            for operation in interpreter.list_operations(opened)
            for tensor in (*operation.inputs, *operation.outputs)
            if tensor is not None and tensor.dtype in _FLOATS
        }
    )


def _unquantized(error, path):
    """What the quantiser says, which lists operations that it does not have one a line."""
    missing = sorted(set(re.findall(r"not yet supported for op: '(\w+)'", str(error))))
    if not missing:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        return ValueError(f"Cannot write {path.name} in whole numbers alone. {reason}.")
    return ValueError(
        f"Cannot write {path.name} in whole numbers alone. Expected operations that the quantiser "
        f"has in this format. Received: {', '.join(missing)}. Use another layer there, or the "
        "format tflite_dynamic_int8."
    )


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
