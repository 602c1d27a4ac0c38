"""TensorFlow Lite in 8-bit whole numbers throughout, for processors without floating point."""

import tensorflow as tf

from kd_keras.export import tflite_conversion

__all__ = ["write_tflite_int8"]

_OPERATIONS = tf.lite.OpsSet.TFLITE_BUILTINS_INT8


def write_tflite_int8(model, path, **options):
    """Write a network as a TensorFlow Lite file in int8 alone.

    Weights, activations, input and output are int8: kernels with a scale per output channel,
    activations with the range that they have on representative images. The scale and the zero
    of input and output are in the file. No operation is left in floating point.

    It takes, returns and raises what `tflite_conversion.write_whole_numbers` does.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> import numpy as np
        >>> from kd_keras.export import interpreter
        >>> images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
        >>> path = write_tflite_int8(
        ...     model, tempfile.mkdtemp() + "/model", representative_images=images)
        >>> opened = interpreter.open_interpreter(path)
        >>> opened.get_input_details()[0]["dtype"].__name__
        'int8'
    """
    return tflite_conversion.write_whole_numbers(model, path, options, tf.int8, _OPERATIONS)
