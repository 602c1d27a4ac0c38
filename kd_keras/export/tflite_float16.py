"""TensorFlow Lite with weights in 16 bits: half the size, float32 in its computations."""

import tensorflow as tf

from kd_keras.export import contents, tflite_conversion

__all__ = ["write_tflite_float16"]


def write_tflite_float16(model, path, **options):
    """Write a network as a TensorFlow Lite file with weights in float16.

    Half the size. A processor turns the weights to float32 when it opens the file and is as fast
    as with that; a graphics processor may compute in float16. Input and output are float32.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities. It may have
            been trained in half precision.
        path: The file to write; `.tflite` is added where it is missing.
        **options: Of `contents.Contents`.

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
        >>> path = write_tflite_float16(model, tempfile.mkdtemp() + "/model")
        >>> path.name
        'model.tflite'
    """
    return tflite_conversion.write_tflite(model, path, contents.Contents(**options), _configure)


def _configure(converter, representative_calls):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
