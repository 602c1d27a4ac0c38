"""TensorFlow Lite in 8-bit whole numbers throughout, that takes the bytes of a picture."""

import tensorflow as tf

from kd_keras.export import tflite_conversion

__all__ = ["write_tflite_uint8"]

_OPERATIONS = tf.lite.OpsSet.TFLITE_BUILTINS_INT8


def write_tflite_uint8(model, path, **options):
    """Write a network as a TensorFlow Lite file in 8 bits, with uint8 input and output.

    As `tflite_int8`, with whole numbers from 0 on outside. Where the representative images reach
    from black to white, as photographs do, the input's scale is 1 and its zero 0: the file takes
    the bytes of the picture as they are.

    It takes, returns and raises what `tflite_conversion.write_whole_numbers` does.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> import numpy as np
        >>> from kd_keras.export import interpreter
        >>> images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
        >>> path = write_tflite_uint8(
        ...     model, tempfile.mkdtemp() + "/model", representative_images=images)
        >>> opened = interpreter.open_interpreter(path)
        >>> opened.get_input_details()[0]["dtype"].__name__
        'uint8'
    """
    return tflite_conversion.write_whole_numbers(model, path, options, tf.uint8, _OPERATIONS)
