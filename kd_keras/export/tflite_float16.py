"""TensorFlow Lite with weights in 16 bits: half the size, float32 in its computations."""

import tensorflow as tf

from kd_keras.export import tflite_conversion

__all__ = ["write_tflite_float16"]


def write_tflite_float16(model, path, **options):
    """Write a network as a TensorFlow Lite file with weights in float16.

    Half the size. A processor turns the weights to float32 when it opens the file and is as fast
    as with that; a graphics processor may compute in float16. Input and output are float32.

    It takes, returns and raises what `tflite_conversion.write_tflite` does.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> path = write_tflite_float16(model, tempfile.mkdtemp() + "/model")
        >>> path.name
        'model.tflite'
    """
    return tflite_conversion.write_tflite(model, path, options, _configure)


def _configure(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
