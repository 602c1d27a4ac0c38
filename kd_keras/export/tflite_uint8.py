"""TensorFlow Lite in 8-bit whole numbers throughout, that takes the bytes of a picture."""

import tensorflow as tf

from kd_keras.export import contents, tflite_conversion

__all__ = ["write_tflite_uint8"]

_CONFIGURE = tflite_conversion.quantize_to(tf.uint8, tf.lite.OpsSet.TFLITE_BUILTINS_INT8)


def write_tflite_uint8(model, path, **options):
    """Write a network as a TensorFlow Lite file in 8 bits, with uint8 input and output.

    As `tflite_int8`, with whole numbers from 0 on outside. Where the representative images reach
    from black to white, as photographs do, the input's scale is 1 and its zero 0: the file takes
    the bytes of the picture as they are.

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
        >>> path = write_tflite_uint8(
        ...     model, tempfile.mkdtemp() + "/model", representative_images=images)
        >>> opened = interpreter.open_interpreter(path)
        >>> opened.get_input_details()[0]["dtype"].__name__
        'uint8'
    """
    path = tflite_conversion.write_tflite(model, path, contents.Contents(**options), _CONFIGURE)
    return tflite_conversion.require_whole_numbers(path)
