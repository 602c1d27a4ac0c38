"""TensorFlow Lite with activations in 16 and weights in 8 bits."""

import tensorflow as tf

from kd_keras.export import tflite_conversion

__all__ = ["write_tflite_int16x8"]

_OPERATIONS = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def write_tflite_int16x8(model, path, **options):
    """Write a network as a TensorFlow Lite file with int16 activations and int8 weights.

    Nearer to float32 than `tflite_int8` where activations have a wide range, for digital signal
    processors. LiteRT computes it on an ordinary processor without its fast kernels, many times
    slower than float32. Input and output are int16, biases int64.

    It takes, returns and raises what `tflite_conversion.write_whole_numbers` does.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> import numpy as np
        >>> from kd_keras.export import interpreter
        >>> images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
        >>> path = write_tflite_int16x8(
        ...     model, tempfile.mkdtemp() + "/model", representative_images=images)
        >>> opened = interpreter.open_interpreter(path)
        >>> opened.get_input_details()[0]["dtype"].__name__
        'int16'
    """
    return tflite_conversion.write_whole_numbers(model, path, options, tf.int16, _OPERATIONS)
