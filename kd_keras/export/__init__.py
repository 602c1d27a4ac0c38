"""Files for other programs: writing them, reading them back, and comparing them with the model.

To add a format: one module with a `write_<format>` function, and its line in `TABLE`.
"""

import importlib.util

import lazy_loader

TABLE = {
    "keras": "kd_keras.export.keras_format:write_keras",
    "keras_float16": "kd_keras.export.keras_float16:write_keras_float16",
    "onnx": "kd_keras.export.onnx:write_onnx",
    "saved_model": "kd_keras.export.saved_model:write_saved_model",
    "tflite_dynamic_int8": "kd_keras.export.tflite_dynamic_int8:write_tflite_dynamic_int8",
    "tflite_float16": "kd_keras.export.tflite_float16:write_tflite_float16",
    "tflite_float32": "kd_keras.export.tflite_float32:write_tflite_float32",
    "tflite_int16x8": "kd_keras.export.tflite_int16x8:write_tflite_int16x8",
    "tflite_int8": "kd_keras.export.tflite_int8:write_tflite_int8",
    "tflite_uint8": "kd_keras.export.tflite_uint8:write_tflite_uint8",
}
# Packages that a format needs and the project does not.
_EXTRAS = {"onnx": ("tf2onnx", "onnxruntime")}


def names():
    """The names of the formats that `write` takes, sorted."""
    return sorted(TABLE)


def available():
    """The names of the formats whose packages are installed, sorted."""
    return [
        name
        for name in names()
        if all(importlib.util.find_spec(package) for package in _EXTRAS.get(name, ()))
    ]


__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "complexity": ["Complexity", "measure_complexity"],
        "contents": ["Contents", "append_ranges", "read_data_fingerprint", "read_ranges"],
        "folding": ["fold"],
        "keras_file": ["load_keras"],
        "latency": ["Latency", "Timing", "measure_in_turn", "measure_latency"],
        "memory": ["measure_peak_memory"],
        "model_card": ["format_model_card"],
        "predictor": ["Predictor", "load_predictor"],
        "standardization": ["describe_standardization", "standardize"],
        "verdict": ["Verdict"],
        "verification": ["settle_ties", "verify"],
        "writing": ["write"],
    },
)
__all__ += ["TABLE", "available", "names"]
