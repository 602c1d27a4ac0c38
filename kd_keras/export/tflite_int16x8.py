"""TensorFlow Lite with activations in 16 and weights in 8 bits."""

import tensorflow as tf

from kd_keras.export import contents, tflite_conversion

__all__ = ["write_tflite_int16x8"]

_CONFIGURE = tflite_conversion.quantize_to(
    tf.int16, tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
)


def write_tflite_int16x8(model, path, **options):
    """Write a network as a TensorFlow Lite file with int16 activations and int8 weights.

    Nearer to float32 than `tflite_int8` where activations have a wide range, for digital signal
    processors. LiteRT computes it on an ordinary processor without its fast kernels, many times
    slower than float32. Input and output are int16, biases int64.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities. It may have
            been trained in half precision.
        path: The file to write; `.tflite` is added where it is missing.
        **options: Of `contents.Contents`, of which `representative_images` is needed.

    Returns:
        The file, a `pathlib.Path`.

    Raises:
        TypeError: If the model is not functional, or there is no such option.
        ValueError: If the model is no classifier of images, the options do not fit it, or an
            operation does not exist in this form.

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
    path = tflite_conversion.write_tflite(model, path, contents.Contents(**options), _CONFIGURE)
    return tflite_conversion.require_whole_numbers(path)
