"""TensorFlow Lite with weights in 8 bits, and ranges of activations found as it runs."""

import tensorflow as tf

from kd_keras.export import tflite_conversion

__all__ = ["write_tflite_dynamic_int8"]


def write_tflite_dynamic_int8(model, path, **options):
    """Write a network as a TensorFlow Lite file with weights in int8.

    A quarter of the size. Kernels of some size are int8 with a scale per output channel;
    activations are quantised at every call by their own range, so that no images are needed
    beforehand. Input and output are float32.

    It takes, returns and raises what `tflite_conversion.write_tflite` does.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> path = write_tflite_dynamic_int8(model, tempfile.mkdtemp() + "/model")
        >>> path.name
        'model.tflite'
    """
    return tflite_conversion.write_tflite(model, path, options, _configure)


def _configure(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
