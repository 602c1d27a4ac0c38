"""Reading TensorFlow Lite files: their predictions, and what they are made of.

How they are written is in `tflite_conversion` and in the module of each format.
"""

import collections
import re

import numpy as np

from kd_keras.export import contents, files, interpreter, predictor

__all__ = ["read_tflite"]

_LABELS = "labels.txt"


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
    operations = interpreter.list_operations(opened)
    foreign = _foreign(operations)
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
        output_step=float(logits["quantization"][0]),
        class_names=_read_labels(path),
        precision=_precision(operations),
        operations=dict(collections.Counter(operation.name for operation in operations)),
    )


def _foreign(operations):
    """The names of the operations that the interpreter does not have.

    TensorFlow's own are called Flex, others by what their author called them.
    """
    names = {operation.name for operation in operations}
    return sorted(name for name in names if not re.fullmatch(r"[A-Z0-9_]+", name))


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
    return tuple(contents.read_from_archive(path, _LABELS).splitlines())


def _precision(operations):
    """What a file computes in, from the numbers of its weights and of what flows between."""
    weights, flow = set(), set()
    for operation in operations:
        for tensor in filter(None, operation.inputs):
            (weights if tensor.is_weight else flow).add(tensor.dtype)
    if "int8" in weights:
        if "float32" in flow:
            return "int8 weights"
        return "int16x8" if "int16" in flow else "int8"
    return "float16 weights" if "float16" in weights else "float32"
