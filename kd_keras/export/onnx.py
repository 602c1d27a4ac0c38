"""ONNX, for other runtimes: written with tf2onnx, read with ONNX Runtime.

Both are the extra `onnx`. Keras's exporter calls tf2onnx too, but turns the constants of a
`Normalization` layer into inputs of the file and calls the output Identity:0.
"""

import collections
import importlib.util
import math
import os
import pathlib
import warnings

import numpy as np
import tensorflow as tf

from kd_keras.export import contents, files, folding, predictor
from kd_keras.export.preparation import prepare
from kd_keras.export.silence import silence

__all__ = ["count_parameters", "read_onnx", "write_onnx"]

_OPERATION_SET = 17  # of 2022; what runs it runs everything here


def _require(package, purpose):
    if importlib.util.find_spec(package) is None:
        raise ValueError(
            f"Cannot {purpose} an ONNX file without {package}. "
            "Install the extra: pip install 'kd_keras[onnx]'."
        )


def write_onnx(model, path, **options):
    """Write a network as an ONNX file in float32.

    Its input is `image`, float32, shape (batch, height, width, channels), its output `logits`,
    float32, shape (batch, classes). What else is known of the model is in the file's metadata
    under `about.json`.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities. It may have
            been trained in half precision.
        path: The file to write; `.onnx` is added where it is missing.
        **options: Of `contents.Contents`.

    Returns:
        The file, a `pathlib.Path`.

    Raises:
        TypeError: If the model is not functional, or there is no such option.
        ValueError: If tf2onnx is not installed, the model is no classifier of images, the names
            do not fit it, or an operation does not exist in ONNX.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> if importlib.util.find_spec("tf2onnx"):
        ...     path = write_onnx(model, tempfile.mkdtemp() + "/model")
        ...     assert path.name == "model.onnx"
    """
    options = contents.Contents(**options)
    _require("tf2onnx", "write")
    path = pathlib.Path(path)
    if path.suffix != ".onnx":
        path = path.with_name(path.name + ".onnx")
    network = folding.fold(
        prepare(
            model,
            class_names=options.class_names,
            include_preprocessing=options.include_preprocessing,
        )
    )
    converted = _convert(network, options.batch_size)
    entry = converted.metadata_props.add()
    entry.key, entry.value = contents.METADATA_NAME, options.to_json()
    path.write_bytes(converted.SerializeToString())
    return path


def _convert(network, batch_size):
    shape = (batch_size, *network.input_shape[1:])
    signature = (tf.TensorSpec(shape, tf.float32, name="image"),)
    serve = tf.function(
        lambda image: {"logits": network(image, training=False)}, input_signature=signature
    )
    with silence(), warnings.catch_warnings():
        # tf2onnx 1.17 is written for an older NumPy and an older ONNX.
        warnings.simplefilter("ignore")
        import tf2onnx

        try:
            converted, _ = tf2onnx.convert.from_function(
                serve, input_signature=signature, opset=_OPERATION_SET
            )
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"Cannot write {network.name} as ONNX. {reason}") from error
    inputs = sorted(entry.name for entry in converted.graph.input)
    if inputs != ["image"]:
        raise ValueError(
            f"Cannot write {network.name} as ONNX. Expected one input, the images. tf2onnx made "
            f"inputs of constants: {', '.join(inputs)}. Write another format."
        )
    return converted


def read_onnx(path, *, num_threads=None):
    """Open an ONNX file for prediction.

    Args:
        path: Of the file.
        num_threads: The machine's cores by default.

    Returns:
        A `predictor.Predictor`.

    Raises:
        ValueError: If ONNX Runtime is not installed, or the file cannot be read or is not from
            one batch of images to logits.
    """
    _require("onnxruntime", "run")
    session = _open(path, num_threads)
    if len(session.get_inputs()) != 1:
        names = ", ".join(sorted(entry.name for entry in session.get_inputs()))
        raise ValueError(f"Expected one input, the images, in {path}. Received: {names}.")
    [image] = session.get_inputs()
    outputs = {entry.name: entry for entry in session.get_outputs()}
    output = predictor.choose_output(path, outputs)
    properties = session.get_modelmeta().custom_metadata_map
    text = properties.get(contents.METADATA_NAME)

    def run(images):
        try:
            return session.run([output], {image.name: images.astype(np.float32)})[0]
        except _errors() as error:
            raise files.damaged(path, error) from error

    return predictor.Predictor(
        path=path,
        kind="onnx",
        run=run,
        image_shape=_shape(image),
        logits_shape=_shape(outputs[output]),
        output_name=output,
        class_names=contents.class_names_of(text, path) if text else (),
        operations=_operations(path),
    )


def _open(path, num_threads):
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = num_threads or os.cpu_count()
    settings.log_severity_level = 4  # errors come as exceptions
    try:
        return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    except _errors() as error:
        raise files.damaged(path, error) from error


def _errors():
    """What ONNX Runtime raises for a file or an input: classes without one in common."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented")
    return (ValueError, RuntimeError, *(getattr(state, name) for name in names))


def _operations(path):
    if importlib.util.find_spec("onnx") is None:
        return {}
    import onnx

    return dict(collections.Counter(node.op_type for node in onnx.load(path).graph.node))


def count_parameters(path):
    """How many floating-point numbers an ONNX file holds.

    Args:
        path: Of the file.

    Returns:
        Their number. Normalisation is multiplied into the convolution beside it; the
        standardisation of the image counts.

    Raises:
        ValueError: If the package onnx is not installed, or the file cannot be read.
    """
    _require("onnx", "look into")
    import onnx
    from google.protobuf.message import DecodeError

    try:
        constants = onnx.load(path).graph.initializer
    except DecodeError as error:
        raise files.damaged(path, error) from error
    return sum(math.prod(one.dims) for one in constants if one.data_type == onnx.TensorProto.FLOAT)


def _shape(entry):
    """Numbers where they are fixed; the names of free dimensions become None."""
    return tuple(size if isinstance(size, int) else None for size in entry.shape)
