"""TensorFlow Lite: one small file for phones and boards, in float32.

How its predictions are read, and those of the other formats, is in `predictor`.
"""

import pathlib
import re
import tempfile
import zipfile

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert_phase import ConverterError

from kd_keras.export import files, interpreter, predictor
from kd_keras.export.preparation import prepare
from kd_keras.export.saved_model import save_signatures
from kd_keras.export.silence import silence

__all__ = ["foreign_operations", "read_tflite", "write_tflite_float32"]

_LABELS = "labels.txt"


def write_tflite_float32(model, path, *, class_names=(), include_preprocessing=True):
    """Write a network as a TensorFlow Lite file in float32.

    Its signature `serving_default` takes `image`, float32, shape (batch, height, width,
    channels), and returns `logits`, float32, shape (batch, classes). It holds TensorFlow Lite's
    own operations only, so that it runs wherever its interpreter does. Class names are appended
    as TensorFlow Lite's metadata has them, in an archive: `unzip model.tflite labels.txt`.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities. It may have
            been trained in half precision.
        path: The file to write; `.tflite` is added where it is missing.
        class_names: One per class, or none.
        include_preprocessing: Whether the file takes pixels from 0 to 255, or standardised
            images.

    Returns:
        The file, a `pathlib.Path`.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the model is no classifier of images, the names do not fit it, there is
            no preprocessing to leave out, or an operation does not exist in TensorFlow Lite.

    Example:
        >>> import keras
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> path = write_tflite_float32(model, tempfile.mkdtemp() + "/model", class_names="ab")
        >>> path.name, zipfile.ZipFile(path).read("labels.txt")
        ('model.tflite', b'a\\nb\\n')
    """
    path = pathlib.Path(path)
    if path.suffix != ".tflite":
        path = path.with_name(path.name + ".tflite")
    network = prepare(model, class_names=class_names, include_preprocessing=include_preprocessing)
    with tempfile.TemporaryDirectory() as directory:
        save_signatures(network, directory, probabilities=False)
        try:
            content = _convert(directory)
        except ConverterError as error:
            raise _explained(error, network) from error
    path.write_bytes(content)
    if class_names:
        with zipfile.ZipFile(path, "a") as archive:
            # An entry without the time of day, so that the same model gives the same file.
            archive.writestr(zipfile.ZipInfo(_LABELS), "".join(f"{n}\n" for n in class_names))
    return path


def _convert(directory):
    converter = tf.lite.TFLiteConverter.from_saved_model(
        directory, signature_keys=["serving_default"]
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    with silence():
        return converter.convert()


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


def foreign_operations(path):
    """The operations of a file that TensorFlow Lite's interpreter does not have.

    Args:
        path: Of a `.tflite` file.

    Returns:
        Their names, sorted: TensorFlow's own are called Flex, others by what their author
        called them.

    Raises:
        ValueError: If the file is no TensorFlow Lite model.
    """
    return _foreign(interpreter.open_interpreter(path, fused=False))


def _foreign(opened):
    names = {operation.name for operation in interpreter.list_operations(opened)}
    return sorted(name for name in names if not re.fullmatch(r"[A-Z0-9_]+", name))


def read_tflite(path, *, num_threads=None):
    """Open a `.tflite` file for prediction.

    Args:
        path: Of the file.
        num_threads: The machine's cores by default.

    Returns:
        A `predictor.Predictor`.

    Raises:
        ValueError: If the file cannot be read, has operations of another program, or is not
            from one batch of images to logits.
    """
    opened = interpreter.open_interpreter(path, num_threads=num_threads)
    foreign = _foreign(opened)
    if foreign:
        raise ValueError(
            f"Cannot run the model at {path}. Expected TensorFlow Lite's own operations. "
            f"Received: {', '.join(foreign)}. Convert it with TFLITE_BUILTINS only."
        )
    interpreter.allocate(opened, path)
    endpoint = interpreter.find_endpoint(opened, path)
    if len(endpoint.inputs) != 1:
        raise ValueError(
            f"Expected one input, the images, in {path}. "
            f"Received: {', '.join(sorted(endpoint.inputs))}."
        )
    [(name, image)] = endpoint.inputs.items()
    output = predictor.choose_output(path, endpoint.outputs)
    logits = endpoint.outputs[output]

    def run(images):
        try:
            outputs = endpoint.run({name: _quantized(images, image)})
        except (ValueError, RuntimeError) as error:
            raise files.damaged(path, error) from error
        return _dequantized(outputs[output], logits)

    return predictor.Predictor(
        path=path,
        kind="tflite",
        run=run,
        image_shape=_shape(image),
        logits_shape=_shape(logits),
        output_name=output,
        class_names=_read_labels(path),
    )


def _shape(details):
    return tuple(None if size < 0 else int(size) for size in details["shape_signature"])


def _quantized(images, details):
    scale, zero_point = details["quantization"]
    if not scale:
        return images.astype(details["dtype"])
    limits = np.iinfo(details["dtype"])
    steps = np.rint(images / scale) + zero_point
    return np.clip(steps, limits.min, limits.max).astype(details["dtype"])


def _dequantized(outputs, details):
    scale, zero_point = details["quantization"]
    return scale * (outputs.astype(np.float32) - zero_point) if scale else outputs


def _read_labels(path):
    if not zipfile.is_zipfile(path):
        return ()
    with zipfile.ZipFile(path) as archive:
        if _LABELS not in archive.namelist():
            return ()
        return tuple(archive.read(_LABELS).decode("utf-8").split("\n")[:-1])
