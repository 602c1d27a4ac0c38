"""One interpreter for `.tflite` files: LiteRT's if it is installed, else TensorFlow's own.

What a file's operations and tensors are is read here; what they mean is decided in `tflite` and
`complexity`.
"""

import dataclasses
import os
import warnings
from collections.abc import Callable

import numpy as np

from kd_keras.export import files
from kd_keras.export.silence import silence

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:
    import tensorflow as tf

    Interpreter, OpResolverType = tf.lite.Interpreter, tf.lite.experimental.OpResolverType

__all__ = [
    "Endpoint",
    "Operation",
    "Tensor",
    "allocate",
    "find_endpoint",
    "list_operations",
    "open_interpreter",
    "run_once",
]

_SERVING = "serving_default"


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of the graph, in the shape that it has at the moment."""

    index: int
    shape: tuple
    is_weight: bool  # a constant of floats or quantised numbers, not of sizes or indices
    dtype: str = "float32"  # NumPy's name


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operation of the graph, by TensorFlow Lite's name for it: CONV_2D."""

    name: str
    inputs: tuple
    outputs: tuple


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """What can be called: details of inputs and outputs by name, and the call itself."""

    inputs: dict
    outputs: dict
    run: Callable  # of a dictionary of arrays, returns a dictionary of arrays


def open_interpreter(path, *, num_threads=None, fused=True):
    """Open a `.tflite` file without the notices that this prints.

    Args:
        path: Of the file.
        num_threads: The machine's cores by default.
        fused: Whether operations may be fused for speed. Without it the graph is seen as it is
            in the file.

    Returns:
        An interpreter whose tensors are not allocated.

    Raises:
        ValueError: If the file is no TensorFlow Lite model.
    """
    resolver = OpResolverType.AUTO if fused else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        with silence(), warnings.catch_warnings():
            # TensorFlow's own interpreter announces its removal each time.
            warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter is depr")
            return Interpreter(
                model_path=str(path),
                num_threads=num_threads or os.cpu_count(),
                experimental_op_resolver_type=resolver,
            )
    except (ValueError, RuntimeError) as error:
        raise files.damaged(path, error) from error


def allocate(interpreter, path):
    """Make an interpreter ready to run, unless its image size is free.

    Then the file fits together only when it is given an image, and is made ready by that.

    Args:
        interpreter: What `open_interpreter` returned.
        path: Of its file, for the error.

    Raises:
        ValueError: If the file does not fit together.
    """
    if any(-1 in details["shape_signature"][1:] for details in interpreter.get_input_details()):
        return
    try:
        with silence():
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise files.damaged(path, error) from error


def run_once(interpreter, path, image_shape=None):
    """Run an image of zeros, after which every tensor has the shape that it has for one image.

    Args:
        interpreter: What `open_interpreter` returned.
        path: Of its file, for the error.
        image_shape: (height, width, channels) of the image, where the file takes any size.

    Raises:
        ValueError: If the file does not run.
    """
    allocate(interpreter, path)
    try:
        with silence():
            if image_shape is not None:
                [image, *_] = interpreter.get_input_details()
                interpreter.resize_tensor_input(image["index"], [1, *image_shape])
                interpreter.allocate_tensors()
            interpreter.invoke()
    except (ValueError, RuntimeError) as error:
        raise files.damaged(path, error) from error


def list_operations(interpreter):
    """The operations of a file, in their order.

    Args:
        interpreter: What `open_interpreter` returned.

    Returns:
        A list of `Operation`.
    """
    details = interpreter._get_ops_details()  # the only way to the operations
    computed = {int(index) for operation in details for index in operation["outputs"]}
    computed |= {int(tensor["index"]) for tensor in interpreter.get_input_details()}
    tensors = {
        int(tensor["index"]): Tensor(
            index=int(tensor["index"]),
            shape=tuple(map(int, tensor["shape"])),
            is_weight=int(tensor["index"]) not in computed and _holds_numbers(tensor),
            dtype=np.dtype(tensor["dtype"]).name,
        )
        for tensor in interpreter.get_tensor_details()
    }
    return [
        Operation(
            name=operation["op_name"],
            inputs=tuple(tensors.get(int(index)) for index in operation["inputs"]),
            outputs=tuple(tensors.get(int(index)) for index in operation["outputs"]),
        )
        for operation in details
    ]


def _holds_numbers(tensor):
    quantized = len(tensor["quantization_parameters"]["scales"]) > 0
    return quantized or np.issubdtype(tensor["dtype"], np.floating)


def find_endpoint(interpreter, path):
    """What can be called in a file: its signature, or its graph where it has none.

    Args:
        interpreter: What `open_interpreter` returned.
        path: Of its file, for the error.

    Returns:
        An `Endpoint`.

    Raises:
        ValueError: If there are several signatures and none is called serving_default.
    """
    keys = list(interpreter.get_signature_list())
    if not keys:
        return _graph_endpoint(interpreter)
    if len(keys) > 1 and _SERVING not in keys:
        raise ValueError(
            f"No signature {_SERVING} in {path}. Expected it, or one signature only. "
            f"Received: {', '.join(sorted(keys))}."
        )
    runner = interpreter.get_signature_runner(_SERVING if _SERVING in keys else keys[0])
    return Endpoint(
        inputs=runner.get_input_details(),
        outputs=runner.get_output_details(),
        run=lambda arrays: runner(**arrays),
    )


def _graph_endpoint(interpreter):
    inputs = {details["name"]: details for details in interpreter.get_input_details()}
    outputs = {details["name"]: details for details in interpreter.get_output_details()}

    def run(arrays):
        for name, array in arrays.items():
            interpreter.resize_tensor_input(inputs[name]["index"], array.shape)
        interpreter.allocate_tensors()
        for name, array in arrays.items():
            interpreter.set_tensor(inputs[name]["index"], array)
        interpreter.invoke()
        return {name: interpreter.get_tensor(details["index"]) for name, details in outputs.items()}

    return Endpoint(inputs=inputs, outputs=outputs, run=run)
