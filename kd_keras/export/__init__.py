"""Files for other programs: writing them, reading them back, and comparing them with the model.

To add a format: one module with a `write_<format>` function, and its line in `TABLE`.
"""

import lazy_loader

TABLE = {
    "saved_model": "kd_keras.export.saved_model:write_saved_model",
    "tflite_float32": "kd_keras.export.tflite:write_tflite_float32",
}


def names():
    """The names of the formats that `write` takes, sorted."""
    return sorted(TABLE)


__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "complexity": ["Complexity", "measure_complexity"],
        "keras_file": ["load_keras"],
        "predictor": ["Predictor", "load_predictor"],
        "verification": ["Verdict", "verify"],
        "writing": ["write"],
    },
)
__all__ += ["TABLE", "names"]
